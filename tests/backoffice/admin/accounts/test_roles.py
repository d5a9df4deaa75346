"""Roles: a sentence each, cards on the page of an account, and docs/explanation/roles.md."""

import re

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.core.management import call_command
from django.utils import translation

from backoffice.admin.accounts import roles
from backoffice.admin.accounts.roles import in_words
from backoffice.languages import Language
from backoffice.roles import Role, said
from library.models import Book, Patron
from tests.backoffice.admin.pages import perm, sent, url
from tests.docs import DOCS
from tests.factories import make_user

pytestmark = pytest.mark.django_db

PAGE = DOCS / "explanation" / "roles.md"


@pytest.fixture
def loaded():
    call_command("loaddata", "roles", verbosity=0)


def permissions(*labels):
    return Permission.objects.filter(codename__in=[label.split(".")[1] for label in labels])


# In words -------------------------------------------------------------------------------


def test_what_a_role_allows_is_said_by_model():
    many = [perm(action, Book) for action in ("delete", "view", "export")]
    assert in_words(permissions(*many, perm("view", Patron), perm("view", User))) == [
        "Books: view, delete, export",
        "Patrons, users: view",
    ]


def test_a_history_is_said_to_be_one(loaded):
    records = Permission.objects.filter(codename__startswith="view_historicalbook")
    assert in_words(records) == ["History of books, links of books: view"]


def test_what_a_project_adds_has_its_own_name():
    kind = Permission.objects.get(codename="view_book").content_type
    own = Permission.objects.create(content_type=kind, codename="lend_out", name="Can lend out")
    assert in_words([own]) == ["Can lend out"]


# The fixture, and what is written about it ----------------------------------------------


def written():
    """The table of the page: `{role: (sentence, lines)}`."""
    rows = re.findall(r"^\| \*\*(.+?)\*\* \| (.+?) \| (.+?) \|$", PAGE.read_text("utf-8"), re.M)
    return {name: (sentence, lines.split("<br>")) for name, sentence, lines in rows}


def test_the_page_explains_the_roles_as_they_are(loaded):
    assert written() == {
        group.name: (group.role.sentence, in_words(group.permissions.all()))
        for group in Group.objects.all()
    }


def test_loading_the_roles_again_keeps_a_sentence_each(loaded):
    call_command("loaddata", "roles", verbosity=0)
    assert Role.objects.count() == Group.objects.count() == 5


# Pages ----------------------------------------------------------------------------------


def test_the_page_of_an_account_shows_a_card_for_each_role(admin_client, loaded):
    own = Group.objects.create(name="Readers")
    own.permissions.set(permissions(perm("view", Book)))
    Group.objects.create(name="Nothing")
    clerk = make_user()
    clerk.groups.add(own)
    text = admin_client.get(url(User, "change", clerk.pk)).text
    cards = dict(
        re.findall(r'<div class="role-card">.*?<strong>(.*?)</strong>(.*?)</div>', text, re.S)
    )
    assert list(cards) == sorted(Group.objects.values_list("name", flat=True))
    assert "Serves patrons" in cards["Front desk"]
    assert "<li>Patrons: view, add, change</li>" in cards["Front desk"]
    assert "<details>" in cards["Front desk"]
    assert "<li>Books: view</li>" in cards["Readers"]
    assert "<details>" not in cards["Readers"]
    assert "It allows nothing." in cards["Nothing"]
    assert text.count('name="groups"') == len(cards)
    assert text.count("Front desk") == 2  # on the card, and what it allows
    assert len(re.findall(r'name="groups"[^>]*checked', text)) == 1


def test_who_may_not_grant_a_role_is_not_offered_it(client, loaded):
    rights = [perm("view", User), perm("change", User), perm("view", Book)]
    client.force_login(make_user(permissions=rights))
    small = Group.objects.create(name="Small")
    small.permissions.set(permissions(perm("view", Book)))
    page = client.get(url(User, "change", make_user().pk))
    offered = page.context["adminform"].form.fields["groups"].queryset
    assert list(offered) == [small]


def test_many_roles_have_two_panes(admin_client, loaded, monkeypatch):
    monkeypatch.setattr(roles, "CARDS", 4)
    text = admin_client.get(url(User, "change", make_user().pk)).text
    assert "role-card" not in text
    assert 'class="selectfilter' in text


def test_roles_are_said_in_the_language_of_whoever_reads(client, loaded):
    reader = make_user(is_superuser=True)
    Language.objects.create(user=reader, code="es")
    Group.objects.create(name="Readers")
    client.force_login(reader)
    for address in (url(User, "change", reader.pk), url(Group, "changelist")):
        text = client.get(address).text
        assert "Mostrador" in text
        assert "Atiende a los usuarios" in text
        assert "Serves patrons" not in text
        assert "Readers" in text  # somebody's own
    assert "Mostrador" in client.get(url(User, "changelist")).text  # its filter
    for group in Group.objects.exclude(name="Readers"):
        with translation.override("es"):
            assert said(group.name) != group.name
            assert said(group.role.sentence) != group.role.sentence


def test_roles_take_no_statement_each(admin_client, loaded, django_assert_max_num_queries):
    clerk = make_user()
    address = url(User, "change", clerk.pk)
    admin_client.get(address)
    with django_assert_max_num_queries(100) as few:
        admin_client.get(address)
    for n in range(10):
        group = Group.objects.create(name=f"Role {n}")
        group.permissions.set(permissions(perm("view", Book), perm("view", Patron)))
    with django_assert_max_num_queries(len(few)):
        admin_client.get(address)


def test_a_role_of_ones_own_gets_a_sentence(admin_client):
    data = {"name": "Readers", "sentence": "Looks up titles."}
    admin_client.post(url(Group, "add"), data)
    group = Group.objects.get()
    assert group.role.sentence == "Looks up titles."
    address = url(Group, "change", group.pk)
    page = admin_client.get(address)
    assert 'value="Looks up titles."' in page.text
    admin_client.post(address, sent(page) | {"name": "Others"})
    assert Role.objects.get().sentence == "Looks up titles."
    admin_client.post(address, sent(admin_client.get(address)) | {"sentence": ""})
    assert not Role.objects.exists()
    assert Group.objects.get().name == "Others"


def test_a_page_that_was_open_meanwhile_leaves_the_sentence(admin_client):
    group = Group.objects.create(name="Readers")
    address = url(Group, "change", group.pk)
    for before, meanwhile in (("", "Reads."), ("Reads.", "Looks up titles.")):
        Role.objects.update_or_create(group=group, defaults={"sentence": before})
        opened = sent(admin_client.get(address))
        Role.objects.filter(group=group).update(sentence=meanwhile)
        assert admin_client.post(address, opened | {"name": "Others"}).status_code == 302
        assert Role.objects.get().sentence == meanwhile


# The list --------------------------------------------------------------------------------

SPANISH = {"headers": {"Accept-Language": "es"}}


def listed(client, query="", **extra):
    page = client.get(f"{url(Group, 'changelist')}{query}", **extra)
    return [said_in_spanish(group.name) for group in page.context["cl"].result_list]


def said_in_spanish(name):
    with translation.override("es"):
        return said(name)


def test_the_list_is_sorted_by_the_names_that_it_shows(admin_client, loaded):
    Group.objects.create(name="Zoo")
    found = listed(admin_client, **SPANISH)
    assert found == sorted(found)
    assert "Administración" in found
    assert "Zoo" in found
    assert listed(admin_client, "?o=-said_name", **SPANISH) == found[::-1]
    english = admin_client.get(url(Group, "changelist")).context["cl"].result_list
    names = [group.name for group in english]
    assert names == sorted(names)
    assert [said_in_spanish(name) for name in names] != found


def test_the_list_is_searched_by_what_it_shows(admin_client, loaded):
    assert listed(admin_client, "?q=administración", **SPANISH) == ["Administración"]
    assert listed(admin_client, "?q=administrator", **SPANISH) == []
    assert listed(admin_client, "?q=administrator") == ["Administración"]
    sentence = Role.objects.get(group__name="Administrator").sentence
    assert listed(admin_client, f"?q={sentence.split()[0]}+admin") == ["Administración"]


# Permissions -----------------------------------------------------------------------------


def test_permissions_are_chosen_by_the_words_of_the_page(admin_client, loaded):
    form = admin_client.get(url(Group, "add")).context["adminform"].form
    names = [name for _key, name in form.fields["permissions"].choices]
    assert "Authentication and Authorization | Roles: add" in names
    page = admin_client.get(url(User, "change", User.objects.get().pk), **SPANISH)
    assert "Autenticación y autorización | Roles: agregar" in page.text
    assert "Can add" not in page.text


@pytest.mark.parametrize("language", ["en", "es"])
def test_no_page_calls_a_role_a_group(admin_client, loaded, language):
    group = Group.objects.get(name="Administrator")
    for address in (
        url(Group, "changelist"),
        url(Group, "add"),
        url(Group, "change", group.pk),
        url(Group, "delete", group.pk),
        url(User, "changelist"),
        url(User, "change", User.objects.get().pk),
    ):
        page = admin_client.get(address, headers={"Accept-Language": language})
        text = re.sub(r"<option.*?</option>|<[^>]*>", " ", page.text, flags=re.S)
        assert re.findall(r"(?i)[^.]{,60}\b(?:groups?|grupos?)\b", text) == [], address
