"""The page that erases a person: who may, what it asks, and what is said afterwards."""

import pytest
from django.contrib.auth.models import Permission

from backoffice.erasure.erase import Erasure
from backoffice.trail.models import Entry
from library.models import Library, Patron
from tests.backoffice.admin.pages import perm, url
from tests.factories import limit, make_library, make_patron, make_user

pytestmark = pytest.mark.django_db

NAME = "Zoë Quimby-Vance"
RIGHTS = [
    perm(action, model)
    for action in ("view", "change", "delete", "erase")
    for model in (Patron,)
] + [perm("view", Library), "library.view_historicalpatron"]


@pytest.fixture
def patron():
    return make_patron(name=NAME, library=make_library(name="Main"))


def test_a_right_of_its_own_is_made_for_models_that_name_a_person():
    made = set(
        Permission.objects.filter(codename__startswith="erase_").values_list(
            "codename", flat=True
        )
    )
    assert {"erase_patron", "erase_librarian"} <= made
    assert "erase_library" not in made


@pytest.mark.parametrize("lacking", [perm("erase", Patron), perm("delete", Patron)])
def test_it_takes_the_right_to_erase_and_that_to_delete(client, patron, lacking):
    client.force_login(make_user(permissions=[p for p in RIGHTS if p != lacking]))
    assert client.get(url(Patron, "erase", patron.pk)).status_code == 403
    sent = {"confirmation": NAME}
    assert client.post(url(Patron, "erase", patron.pk), sent).status_code == 403
    assert (
        url(Patron, "erase", patron.pk) not in client.get(url(Patron, "change", patron.pk)).text
    )
    assert Patron.objects.filter(pk=patron.pk).exists()


def test_it_says_what_goes_and_erases_when_the_name_is_typed(client, patron):
    user = make_user(username="fry", permissions=RIGHTS)
    client.force_login(user)
    address = url(Patron, "erase", patron.pk)
    assert address in client.get(url(Patron, "change", patron.pk)).text
    page = client.get(address)
    assert "1 patron" in page.text
    assert "records of history" in page.text
    page = client.post(address, {"confirmation": "somebody"})
    assert "Nothing was erased" in page.text
    assert Patron.objects.exists()
    response = client.post(address, {"confirmation": f" {NAME} "}, follow=True)
    assert "was erased" in response.text
    assert not Patron.objects.exists()
    entry = Entry.objects.get(action="erase")
    assert (entry.name, entry.object_id, entry.object_name) == (
        "fry",
        str(patron.pk),
        "[erased]",
    )


def test_whoever_asks_for_it_later_reads_that_it_was_erased(admin_client, patron):
    admin_client.post(url(Patron, "erase", patron.pk), {"confirmation": NAME})
    for page in ("change", "restore", "erase", "history"):
        response = admin_client.get(url(Patron, page, patron.pk), follow=True)
        assert "Nothing is kept that could be restored" in response.text, page


def test_one_that_was_deleted_is_erased_from_its_restore_page(admin_client, patron):
    key = patron.pk
    admin_client.post(url(Patron, "delete", key), {"post": "yes"})
    page = admin_client.get(url(Patron, "restore", key))
    assert url(Patron, "erase", key) in page.text
    admin_client.post(url(Patron, "erase", key), {"confirmation": NAME})
    assert not Patron.history.exists()
    assert NAME not in admin_client.get(url(Patron, "deleted")).text


def test_there_is_no_such_page_for_a_model_that_names_nobody(admin_client):
    library = make_library()
    page = admin_client.get(url(Library, "change", library.pk))
    assert "/erase/" not in page.text


def test_nobody_with_limits_learns_that_somebody_was_erased(client, patron):
    user = limit(make_user(permissions=RIGHTS), make_library(name="Mine"))
    client.force_login(user)
    pages = [url(Patron, name, patron.pk) for name in ("change", "history", "restore")]

    def said():
        answers = [client.get(page, follow=True) for page in pages]
        return [(answer.status_code, "erased" in answer.text) for answer in answers]

    before = said()
    Erasure(Patron, patron.pk).run()
    assert said() == before
    assert not any(erased for _status, erased in before)
