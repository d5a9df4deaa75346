"""Characters that turn the direction of text turn no sentence of a page."""

import re

import pytest
from django.http import HttpResponse, StreamingHttpResponse

from backoffice.admin.controls import INSTEAD, show_controls
from library.models import Library, Patron
from tests.backoffice.admin.pages import url
from tests.factories import make_library, make_patron

pytestmark = pytest.mark.django_db

NAME = "abc \u202eevil\u2066 name"
SHOWN = f"abc {INSTEAD}evil{INSTEAD} name"


@pytest.fixture
def library():
    return make_library(name=NAME)


def test_they_are_shown_as_what_they_are_on_every_page(admin_client, library):
    patron = make_patron(name=NAME, library=library)
    pages = [
        url(Library, "changelist"),
        *(url(Library, page, library.pk) for page in ("change", "delete", "history")),
        *(url(Patron, page, patron.pk) for page in ("change", "delete", "history")),
    ]
    for address in pages:
        text = admin_client.get(address).text
        assert SHOWN in text
        assert "\u202e" not in re.sub("<[^>]*>", "", text)


def test_what_is_in_a_form_stays_as_it_is_stored(admin_client, library):
    assert f'value="{NAME}"' in admin_client.get(url(Library, "change", library.pk)).text


def test_messages_and_actions_are_pages_too(admin_client, library):
    data = {"action": "delete_selected", "_selected_action": library.pk}
    page = admin_client.post(url(Library, "changelist"), data)
    assert SHOWN in page.text
    page = admin_client.post(url(Library, "delete", library.pk), {"post": "yes"}, follow=True)
    assert f"“{SHOWN}” was deleted" in page.text


def test_other_pages_and_answers_are_left_alone(admin_client, library):
    page = admin_client.get(url(Library, "changelist"), {"q": "“quoted”"})
    assert "“quoted”" in page.text
    query = {"app_label": "library", "model_name": "patron", "field_name": "library"}
    answer = admin_client.get("/admin/autocomplete/", query | {"term": ""}).json()
    assert answer["results"][0]["text"].startswith("abc \u202e")


@pytest.mark.parametrize(
    ("answer", "becomes"),
    [
        (HttpResponse(f"<p>{NAME}"), f"<p>{SHOWN}".encode()),
        (HttpResponse(b"\xff" + NAME.encode()), b"\xff" + SHOWN.encode()),  # no UTF-8
        (HttpResponse(NAME, content_type="text/plain; charset=utf-8"), NAME.encode()),
        (StreamingHttpResponse([NAME]), NAME.encode()),
        (HttpResponse(status=304, headers={"Content-Type": ""}), b""),
    ],
)
def test_only_whole_pages_are_changed(rf, answer, becomes):
    response = show_controls(lambda request: answer)(rf.get("/"))
    assert response.getvalue() == becomes
