"""Forged keys in addresses, and what a page reads of its query, with texts of every kind."""

from urllib.parse import urlencode

import pytest
from django.contrib import admin
from django.urls import NoReverseMatch

from tests.policy.hostile.sending import Sender, report
from tests.policy.hostile.texts import TEXTS, some
from tests.policy.table import read
from tests.policy.test_policy import address_of, model_of

ROWS = [row for row in read()[1] if not row.url.startswith(("library.librarian", "loans"))]

#: Signs, digits of other scripts, escapes of `admin.utils.quote`, ways out of a path.
KEYS = [
    *("0", "-1", "+1", " 1", "1_0", "01", "1.0", "1e3", "0x1", "9" * 19, "9" * 400),
    *("9223372036854775808", "\u0661", "\uff11", "\u00b2", "abc", "None", "null", "NaN"),
    *("_5F", "_", "_0A", "1_00", "1\x00", "1\n", "..", "%2e%2e", "1/../2", "1/delete", "'"),
    *("00000000-0000-0000-0000-000000000000", "é", "x" * 5_000),
    *(TEXTS[kind] for kind in ("html", "sql", "bidi", "format", "template", "line ends")),
]

#: What pages read of their query: Django's, its packages' and ours; and what they do not.
PARAMETERS = [
    *("q", "o", "p", "e", "all", "_facets", "_popup", "_to_field", "_changelist_filters"),
    *("page", "term", "side", "object_id", "app_label", "model_name", "field_name", "next"),
    *("before", "show", "tab", "cause", "edit", "values", "id", "pk", "pk__in", "list"),
    *("library", "library__exact", "library__id__exact", "library__name__contains", "state"),
    *("library__state", "libraries__state", "name", "zip_code", "patron_count_min"),
    *(
        "patron_count_max",
        "library_count_min",
        "area_code",
        "phone_number",
        "librarian",
        "book",
    ),
    *("user__password__startswith", "user", "status", "kind", "model", "action__exact"),
    *("created_at__year", "created_at__month", "created_at__day", "date_joined__year"),
    *("at__year", "at__month", "groups__id__exact", "is_staff__exact", "history__name"),
    *("name__regex", "patron__name", "due", "renewals", "books", "book_set-page", "\x00"),
]

pytestmark = [pytest.mark.django_db, pytest.mark.slow]


def test_a_forged_key_leads_nowhere(world):
    sender, found = Sender(world), []
    for number, row in enumerate(ROWS):
        _address, sent = sender.sent(row)
        args, step = sent.args, 24
        for place in range(len(args)):
            for key in KEYS[(number + place) % step :: step]:
                sent.args = (*args[:place], key, *args[place + 1 :])
                try:
                    address = address_of(row, model_of(row), sent)
                except NoReverseMatch:
                    continue  # its pattern has only digits, say
                found.append((row.name, "", key[:40], sender.send("get", address)))
    report(found)


def test_a_query_of_any_text_breaks_nothing(world):
    sender, found = Sender(world), []
    for number, row in enumerate(ROWS):
        if row.case:
            continue
        address, _sent = sender.sent(row)
        names = [*PARAMETERS, *filtered_by(model_of(row))]
        for turn, (kind, text) in enumerate(some(number, 24).items()):
            given = names[(number + turn) % len(names) :][:2]
            query = urlencode(dict.fromkeys(given, text[:2_000]))
            wrong = sender.send("get", f"{address.partition('?')[0]}?{query}")
            found.append((row.name, kind, str(given), wrong))
    report(found)


def filtered_by(model):
    filterset = model and getattr(admin.site.get_model_admin(model), "filterset_class", None)
    return list(filterset.base_filters) if filterset else []


@pytest.mark.parametrize(
    "text", ["%ED%A0%80", "%FF", "%00", "%0d%0aX:y", "%2e%2e%2f", "a" * 20_000, "%F0%9F%92%A9"]
)
def test_bytes_that_are_no_text_break_nothing(world, text):
    sender, found = Sender(world), []
    for start in ("/", "/admin/", "/admin/library/patron/", "/static/", "/admin/login/?next="):
        found.append((start, "", "", sender.send("get", start + text)))
    query = f"?q={text}&name={text}"
    found.append((query, "", "", sender.send("get", f"/admin/library/patron/{query}")))
    report(found)
