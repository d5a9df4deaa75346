"""The permission to export: made by `migrate` for what can be exported, and asked for."""

from importlib import import_module
from types import SimpleNamespace

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.admin import AdminSite
from django.contrib.auth.models import Group, Permission, User
from django.core.management import call_command
from django.db import connection

from backoffice.admin.lists.export_rights import make_export_permissions
from library.admin import LibraryAdmin
from library.models import Book, Librarian, Library, Patron
from tests.backoffice.admin.pages import DOMAIN, perm, url
from tests.everything.loans.models import Loan
from tests.factories import make_book, make_librarian, make_library, make_patron, make_user

pytestmark = pytest.mark.django_db

MAKERS = {
    Library: make_library,
    Patron: make_patron,
    Librarian: make_librarian,
    Book: make_book,
}
grant = import_module("backoffice.migrations.0017_export_rights").grant


def permissions(*actions):
    return Permission.objects.filter(
        codename__in=[f"{action}_library" for action in actions]
    ).order_by("codename")


def test_each_model_that_is_exported_has_its_permission():
    exported = {
        f"export_{model._meta.model_name}"
        for model, model_admin in admin.site._registry.items()
        if getattr(model_admin, "resource_classes", ())
    }
    assert {"export_library", "export_loan"} <= exported
    found = Permission.objects.filter(codename__startswith="export_")
    assert exported <= set(found.values_list("codename", flat=True))
    assert str(found.get(codename="export_loan")).endswith("Can export loan")
    assert not found.filter(content_type__app_label="auth").exists()


@pytest.mark.parametrize("model", [Library, User])
def test_a_site_of_the_project_s_own_is_enough(model):
    """Library has a Resource as well; User is exported by no ModelAdmin but this one."""
    exported = Permission.objects.filter(codename=f"export_{model._meta.model_name}")
    exported.delete()
    site = AdminSite(name="elsewhere")
    site.register(model, type("Admin", (LibraryAdmin,), {"inlines": ()}))
    config = apps.get_app_config(model._meta.app_label)
    for _time in range(2):
        make_export_permissions(config, using="default")
    assert exported.count() == 1


@pytest.mark.parametrize("model", DOMAIN)
def test_links_and_action_are_for_whoever_may_export(client, model):
    row = MAKERS[model]()
    for may in (False, True):
        rights = [perm("view", model), *([perm("export", model)] if may else [])]
        client.force_login(make_user(permissions=rights))
        pages = [client.get(url(model, "changelist")), client.get(url(model, "change", row.pk))]
        assert [url(model, "export") in page.text for page in pages] == [may, may]
        assert ("export_admin_action" in pages[0].text) == may
        assert client.get(url(model, "export")).status_code == (200 if may else 403)


def test_the_roles_say_who_exports(client):
    call_command("loaddata", "roles", verbosity=0)
    exporting = Group.objects.filter(permissions__codename="export_patron")
    assert set(exporting.values_list("name", flat=True)) == {"Administrator", "Manager"}
    cataloguer = make_user()
    cataloguer.groups.add(Group.objects.get(name="Cataloguer"))
    client.force_login(cataloguer)
    assert client.get(url(Book, "export")).status_code == 200
    assert client.get(url(Patron, "export")).status_code == 403


def test_the_upgrade_leaves_it_to_whoever_could_export():
    Permission.objects.filter(codename__startswith="export_").delete()
    readers, others = Group.objects.create(name="r"), Group.objects.create(name="o")
    readers.permissions.set(permissions("view", "change"))
    others.permissions.set(permissions("add"))
    reader, changer = make_user(permissions=[perm("view", Library)]), make_user()
    changer.user_permissions.set(permissions("change"))
    for _time in range(2):
        grant(apps, SimpleNamespace(connection=connection))
    (export,) = permissions("export")
    assert list(Group.objects.filter(permissions=export)) == [readers]
    assert set(User.objects.filter(user_permissions=export)) == {reader, changer}


def test_a_new_database_has_nobody_to_leave_it_to():
    Permission.objects.filter(content_type__app_label="loans").delete()
    grant(apps, SimpleNamespace(connection=connection))
    assert not Permission.objects.filter(codename=f"export_{Loan._meta.model_name}").exists()
