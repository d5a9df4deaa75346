"""The review of a checked import: what it shows, and what its form decides."""

import json
from html.parser import HTMLParser

import pytest
from django.urls import reverse

from backoffice.changes.decisions import Decision
from backoffice.jobs.profiles import save_profile
from tests.backoffice.admin.changes.test_imports import (
    BAD,
    GOOD,
    HEADER,
    JOB,
    check,
)
from tests.factories import make_library

WORSE = "Dover,1 Main Street,DE,-3,19901\n"
LINES = 2  # of the first row of a file

pytestmark = pytest.mark.django_db


class Form(HTMLParser):
    """What a browser would send of the form of a review, and the buttons that it has."""

    def __init__(self, response):
        super().__init__()
        self.data, self.buttons = {}, {}
        self.feed(response.text)

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        name, value = found.get("name"), found.get("value", "")
        if tag == "input" and name and found.get("type") not in ("search", "checkbox"):
            self.data.setdefault(name, []).append(value)
        elif tag == "button" and name:
            self.buttons.setdefault(name, []).append((found.get("aria-label", ""), value))

    def press(self, name, label=""):
        """What pressing the first button with this name and label adds."""
        (value, *_more) = [value for text, value in self.buttons[name] if label in text]
        return self.data | {name: [value]}


def page(client, response, **query):
    address = reverse(JOB, args=[response.context["job"].pk])
    return client.get(address, query)


def send(client, response, data, **query):
    address = reverse(JOB, args=[response.context["job"].pk], query=query)
    return client.post(address, data, follow=True)


def decide(client, response, **fields):
    """Press a button of the page that decides this."""
    return send(client, response, Form(response).data | {"decide": json.dumps(fields)})


def counts(response):
    return {name: int(number) for name, number in response.context["counts"].items()}


def test_it_opens_on_the_tab_that_needs_a_decision(admin_client):
    assert check(admin_client, HEADER + GOOD).context["place"].tab == "new"
    assert check(admin_client, HEADER + GOOD + BAD).context["place"].tab == "rejected"
    make_library(name="Seaford", zip_code="11783")
    alike = BAD.replace("Seaford", "SEAFORD").replace("-4", "212-222-6559")
    assert check(admin_client, HEADER + alike).context["place"].tab == "alike"


def test_every_row_is_on_a_page_of_its_tab(admin_client):
    rows = "".join(f"Branch {i},1 Main St,NY,212-222-6559,10001\n" for i in range(120))
    review = check(admin_client, HEADER + rows + BAD)
    assert counts(review)["all"] == 121
    last = page(admin_client, review, tab="new", p="3")
    assert ("Branch 119" in last.text, "Branch 99," in last.text) == (True, False)
    found = page(admin_client, review, tab="all", q="Branch 77")
    assert [shown.row.line for shown in found.context["rows"]] == [77 + LINES]
    for odd in ({"tab": "'"}, {"p": "x"}, {"cause": "9" * 30}, {"edit": "0"}, {"q": "\0"}):
        assert page(admin_client, review, **odd).status_code == 200


def test_old_and_new_values_are_shown_with_the_record(admin_client):
    library = make_library(
        name="Princeton", zip_code="08542-3214", state="NJ", address="1 Old Street"
    )
    review = check(admin_client, HEADER + GOOD)
    assert "<del>1 Old Street</del> <ins>65 Witherspoon Street</ins>" in review.text
    assert f'href="{reverse("admin:library_library_change", args=[library.pk])}"' in review.text


def test_the_bar_says_what_is_written_and_what_is_not(admin_client):
    review = check(admin_client, HEADER + GOOD + BAD + WORSE)
    assert "1 new library is written, 2 rows set aside. It can be undone." in review.text
    assert "Write 1 library<" in review.text
    assert "There is nothing to write." in check(admin_client, HEADER + BAD).text


def test_a_typed_cell_mends_its_row(admin_client, superuser):
    review = check(admin_client, HEADER + GOOD + BAD)
    form = Form(review)
    mended = form.data | {"cell:3:phone_number": ["212-222-6559"], "_save": ["1"]}
    after = send(admin_client, review, mended)
    assert "Mended: row 3 is new now." in after.text
    assert counts(after)["new"] == 2
    decision = Decision.objects.get()
    assert (decision.line, decision.text, decision.user) == (3, "212-222-6559", superuser)
    assert "read as “212-222-6559”" in page(admin_client, review, tab="decided").text


def test_what_was_not_typed_is_not_decided(admin_client):
    review = check(admin_client, HEADER + GOOD + BAD)
    send(admin_client, review, Form(review).data | {"_save": ["1"]})
    assert not Decision.objects.exists()


def test_an_emptied_cell_and_leave_blank_are_the_same(admin_client):
    make_library(name="Seaford", zip_code="11783", phone_number="212-222-6559")
    review = check(admin_client, HEADER + GOOD + BAD)
    after = send(admin_client, review, Form(review).data | {"cell:3:phone_number": [""]})
    assert Decision.objects.get().answer == "blank"
    assert counts(after)["rejected"] == 0
    Decision.objects.all().delete()
    review = check(admin_client, HEADER + GOOD + BAD)
    send(admin_client, review, Form(review).press("decide", "Leave Phone number of row 3"))
    assert Decision.objects.get().answer == "blank"


def test_a_row_that_is_still_wrong_says_why(admin_client):
    review = check(admin_client, HEADER + GOOD + BAD)
    after = send(admin_client, review, Form(review).data | {"cell:3:phone_number": ["x"]})
    assert "Row 3 is still rejected: " in after.text
    assert Form(after).data["cell:3:phone_number"] == ["x"]


def test_a_row_is_set_aside_and_taken_back(admin_client):
    review = check(admin_client, HEADER + GOOD + BAD)
    after = send(admin_client, review, Form(review).press("decide", "Skip row 3"))
    assert "Row 3 is set aside." in after.text
    aside = page(admin_client, after, tab="rejected")
    assert counts(aside)["aside"] == 1
    back = send(admin_client, aside, Form(aside).press("take_back"), tab="rejected")
    assert (counts(back)["aside"], counts(back)["open"]) == (0, 1)
    assert not Decision.objects.exists()


def test_all_rows_of_a_cause_are_decided_at_once(admin_client):
    review = check(admin_client, HEADER + GOOD + BAD + WORSE)
    after = send(admin_client, review, Form(review).press("decide", "not a number; write"))
    assert Decision.objects.get().answer == "blank"
    after = page(admin_client, review, tab="rejected")
    form = Form(after)
    send(admin_client, after, form.press("decide", "set aside"))
    assert counts(page(admin_client, review))["open"] == 0


def test_a_value_is_mended_in_all_its_rows(admin_client):
    text = HEADER + GOOD + BAD + BAD.replace("Seaford", "Levittown") + WORSE
    review = check(admin_client, text)
    values = page(admin_client, review, tab="rejected", values="phone_number")
    form = Form(values)
    assert form.data["value"] == ["-4", "-3"]
    instead = ["212-222-6559", form.data["instead"][1]]
    after = send(admin_client, values, form.data | {"instead": instead}, tab="rejected")
    assert (counts(after)["new"], counts(after)["open"]) == (3, 1)
    decision = Decision.objects.get()
    assert (decision.line, decision.value, decision.text) == (None, "-4", "212-222-6559")


def test_a_value_is_remembered_for_the_supplier(admin_client):
    review = check(admin_client, HEADER + GOOD + BAD)
    file = review.context["job"].file
    profile = save_profile(file, "County", headers=HEADER.strip().split(","), user=None)
    values = page(admin_client, review, tab="rejected", values="phone_number")
    assert "Remember for County" in values.text
    mended = Form(values).data | {"instead": ["212-222-6559"], "remember": [str(profile.pk)]}
    send(admin_client, values, mended, tab="rejected")
    profile.refresh_from_db()
    assert profile.options["values"] == {"phone_number": {"-4": "212-222-6559"}}
    assert profile.owner == review.wsgi_request.user


def test_every_cell_of_a_row_can_be_edited(admin_client):
    repeat = GOOD.replace("65 Witherspoon", "1 Main")
    review = check(admin_client, HEADER + GOOD + repeat)
    assert "cell:3:name" not in Form(review).data
    editing = page(admin_client, review, tab="rejected", edit="3")
    after = send(admin_client, editing, Form(editing).data | {"cell:3:name": ["Princeton 2"]})
    assert counts(after)["new"] == 2


def test_half_a_character_is_no_traceback(admin_client):
    row = dict(zip(HEADER.strip().split(","), GOOD.strip().split(","), strict=True))
    review = check(admin_client, json.dumps([row | {"name": "\ud83d"}, row]))
    editing = page(admin_client, review, tab="rejected", edit="2")
    form = Form(editing)
    assert form.data["cell:2:name"] == ["?"]
    after = send(admin_client, review, form.data | {"cell:2:name": ["Dover"]})
    assert "Row 2 is still rejected: " in after.text


def make_alike():
    make_library(name="Seaford", zip_code="11783", address="9 Other Street")
    return HEADER + "SEAFORD,2234 Jackson Ave,NY,212-222-6559,11783\n"


def test_look_alikes_stand_side_by_side(admin_client):
    review = check(admin_client, make_alike())
    assert "<mark>9 Other Street</mark>" in review.text
    assert "<mark>NY</mark>" not in review.text


@pytest.mark.parametrize(
    ("label", "kind"),
    [("is the same record", "updated"), ("is another record", "new"), ("Skip row", "aside")],
)
def test_a_look_alike_is_decided(admin_client, label, kind):
    review = check(admin_client, make_alike())
    after = send(admin_client, review, Form(review).press("decide", label))
    assert counts(after)[kind] == 1


@pytest.mark.parametrize(("label", "kind"), [("same record", "updated"), ("another", "new")])
def test_all_look_alikes_are_decided_at_once(admin_client, label, kind):
    review = check(admin_client, make_alike())
    form = Form(review)
    (says,) = [v for text, v in form.buttons["decide"] if label in text and "Row" not in text]
    after = send(admin_client, review, form.data | {"decide": [says]})
    assert counts(after)[kind] == 1
    assert Decision.objects.get().line is None


def test_a_script_gets_the_parts_that_have_changed(admin_client):
    review = check(admin_client, HEADER + GOOD + BAD)
    address = reverse(JOB, args=[review.context["job"].pk])
    data = Form(review).data | {"cell:3:phone_number": ["212-222-6559"]}
    answer = admin_client.post(address, data, headers={"X-Requested-With": "fetch"})
    assert "Mended: row 3 is new now." in answer.text
    assert "<html" not in answer.text
    for part in ("said", "known", "bar", "tabs", "row-3"):
        assert f'id="{part}"' in answer.text
    assert "Write 2 libraries" in answer.text
