"""What the tests of inlines share: rows, and what a browser would send of a page of them."""

from django.contrib.messages import get_messages

from backoffice.admin.base import TabularInline
from library.models import Patron
from tests.backoffice.admin.pages import form_data, model_admin
from tests.factories import make_user


def fill(library, number):
    """Patrons of it, "Patron 0000" and on, and their history."""
    patrons = Patron.objects.bulk_create(
        Patron(name=f"Patron {n:04}", library=library) for n in range(number)
    )
    Patron.history.bulk_history_create(patrons)


def formset(page, prefix="patron_set"):
    return {i.formset.prefix: i.formset for i in page.context["inline_admin_formsets"]}[prefix]


def names(page):
    return [row.name for row in formset(page).get_queryset()]


def index(page, name):
    return names(page).index(name)


def typed(page, **new_names):
    """What is sent of the page when other names are typed over those in it."""
    changes = {
        f"patron_set-{index(page, old.replace('_', ' '))}-name": new
        for old, new in new_names.items()
    }
    return form_data(page, **changes)


def ticked(page, name):
    return form_data(page, **{f"patron_set-{index(page, name)}-DELETE": "on"})


def errors(page):
    return " ".join(
        str(error)
        for form_errors in formset(page).errors
        for field_errors in form_errors.values()
        for error in field_errors
    )


def told(response):
    return " ".join(str(message) for message in get_messages(response.wsgi_request))


def use(monkeypatch, parent, **attributes):
    """Let the admin of `parent` have one inline only, of these attributes."""
    base = attributes.pop("base", TabularInline)
    monkeypatch.setattr(model_admin(parent), "inlines", (type("Inline", (base,), attributes),))


def sign_in(client, *permissions):
    client.force_login(make_user(permissions=["library.change_library", *permissions]))
