"""Two accounts more of each role, with limits: one inside of the rows asked for, one outside.

What they get is in `limits.txt`.
"""

from dataclasses import replace

import pytest

from tests.factories import limit
from tests.policy.table import LIMITS, read
from tests.policy.test_policy import Asker, check

ROWS = read()[1]
ACCOUNTS, LIMITED = read(LIMITS)
NOT_ASKED = ".."

pytestmark = [pytest.mark.django_db, pytest.mark.slow]


def is_asked(row, role):
    """Whether the role may do something without limits; administrators, more than managers."""
    cell = row.cells[role]
    is_known = role == "Administrator" and cell == row.cells["Manager"]
    return not is_known and bool(set(cell) - set("s-x0"))


def test_the_table_of_limits_has_all_that_a_role_may_do_and_no_more():
    listed = {
        (row.name, account)
        for row in LIMITED
        for account, cell in row.cells.items()
        if cell != NOT_ASKED
    }
    asked = {
        (row.name, account)
        for row in ROWS
        for account in ACCOUNTS
        if is_asked(row, account.rpartition("-")[0])
    }
    assert listed == asked


@pytest.mark.parametrize("account", ACCOUNTS)
def test_what_an_account_with_limits_may_do(world, account):
    role, _dash, place = account.rpartition("-")
    asker = Asker(world, role)
    limit(asker.account, *(world.homes if place == "inside" else [world.away]))
    asker.identity = account
    cells = {row.name: row.cells for row in LIMITED}
    check(asker, [replace(row, cells=cells[row.name]) for row in ROWS if is_asked(row, role)])
