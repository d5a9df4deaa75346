"""Every form of the policy, with texts of every kind in its inputs."""

import pytest

from tests.policy.hostile.sending import Sender, report
from tests.policy.hostile.texts import TEXTS, some
from tests.policy.table import read

#: Librarians have the same forms as patrons.
ROWS = [row for row in read()[1] if not row.url.startswith(("library.librarian", "loans"))]

#: No key is as large, in any database.
KEYS = {"big number": TEXTS["big number"]}

pytestmark = [pytest.mark.django_db, pytest.mark.slow]


@pytest.mark.parametrize("part", range(2))
def test_a_form_takes_text_of_any_kind_or_refuses_it(world, part):
    """All inputs with three texts, and each input with another one."""
    sender, found = Sender(world), []
    for number, row in enumerate(ROWS[part::2]):
        address, sent = sender.sent(row)
        for kind, text in (some(number, 16) | KEYS).items() if sent.data else ():
            wrong = sender.send("post", address, dict.fromkeys(sent.data, text))
            found.append((row.name, "all inputs", kind, wrong))
        for place, name in enumerate(sent.data):
            for kind, text in some(number + place, len(TEXTS)).items():
                wrong = sender.send("post", address, sent.data | {name: text})
                found.append((row.name, name, kind, wrong))
    report(found)
