"""Every URL, for every kind of account, by every method, against the table in `policy.txt`.

The table is the policy: whoever changes who may do what changes it, and a reviewer reads it.
A URL that is not in it fails, and so does a row without a URL.
"""

from contextlib import contextmanager
from http.cookies import SimpleCookie

import pytest
from django.apps import apps
from django.db import transaction
from django.template.backends.django import Template
from django.test import Client
from django.urls import reverse

from backoffice.admin.site import AdminSite
from tests.policy import asking
from tests.policy.answers import METHODS, fingerprint, symbol, watched
from tests.policy.identities import make_account
from tests.policy.table import SHORT, read, urls

IDENTITIES, ROWS = read()

pytestmark = pytest.mark.django_db


class Asker:
    """An account that asks for each URL by each method, as if it were its first time."""

    def __init__(self, world, identity):
        self.world, self.identity = world, identity
        self.account = make_account(identity)
        world.add_account(self.account)
        self.client = Client()
        if self.account:
            self.client.force_login(self.account)
        self.cookies = self.client.cookies.output(header="", sep=";")

    def ask(self, row, method):
        """The symbol of the answer, and the tables that it wrote."""
        model = model_of(row)
        sent = asking.sent(row, self.world, model, self.account)
        address = address_of(row, model, sent)
        self.client.cookies = SimpleCookie(self.cookies)
        with transaction.atomic(), watched() as written, unrendered():
            try:
                if method == "POST":
                    response = self.client.post(address, sent.data)
                else:
                    response = self.client.generic(method, address)
                if response.streaming:
                    b"".join(response.streaming_content)
            except Exception as error:
                transaction.set_rollback(True)
                return f"{type(error).__name__}: {error}", written
            if written:
                transaction.set_rollback(True)
        if written:
            self.world.files.restore()
        self.last = response
        return symbol(response, written), written


@contextmanager
def unrendered():
    """Views decide who may do what; what their pages look like, other tests see."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Template, "render", lambda *args, **kwargs: "")
        patch.setattr(AdminSite, "each_context", lambda *args: {})
        yield


def model_of(row):
    app_label, _dot, rest = row.url.partition(".")
    name = rest.partition(".")[0]
    return None if app_label == "site" else apps.get_model(app_label, name)


def address_of(row, model, sent):
    page = row.url.split(".", 2)[-1] if model else row.url.removeprefix("site.")
    if model is None:
        if page == "(root)":
            return "/"
        if page.startswith("admin/"):
            return reverse("admin:index") + sent.args[0]
        name, args = f"admin:{page}", sent.args
    else:
        opts = model._meta
        start = f"admin:{opts.app_label}_{opts.model_name}_"
        if page == SHORT:
            return reverse(f"{start}changelist") + f"{sent.args[0]}/"
        name, args = start + page, sent.args
    return reverse(name, args=args) + (f"?{sent.query}" if sent.query else "")


def table_of(row):
    return model_of(row)._meta.db_table if row.writes == "its own" else row.writes


def wrong(asker, rows):
    """The cells that are not as the table says."""
    found = []
    for row in rows:
        for method, wanted in zip(("GET", "POST"), row.cells[asker.identity], strict=True):
            got, written = asker.ask(row, method)
            if got != wanted:
                what = f"{wanted} expected, {got} {written or ''}"
                found.append(f"{asker.identity}: {row.name} {method}: {what}")
            elif got == "w" and table_of(row) not in written:
                found.append(f"{row.name}: {table_of(row)} is not among {sorted(written)}")
    return found


def check(asker, rows):
    before = fingerprint()
    found = wrong(asker, rows)
    after = fingerprint()
    found += [
        f"{table} was written unseen: {before[table] ^ after[table]}"
        for table in before
        if before[table] != after[table]
    ]
    if found:
        pytest.fail("\n".join([f"{len(found)} wrong cells", *found]), pytrace=False)


def test_the_table_has_every_url_and_no_other():
    assert sorted({row.url for row in ROWS}) == sorted(urls())


def test_no_row_is_there_twice():
    assert len({row.name for row in ROWS}) == len(ROWS)


@pytest.mark.parametrize("identity", IDENTITIES)
def test_who_may_do_what(world, identity):
    asker = Asker(world, identity)
    check(asker, ROWS)


@pytest.mark.parametrize("identity", ["anonymous", "no-role", "superuser"])
def test_other_methods_are_refused(world, identity):
    asker = Asker(world, identity)
    before = fingerprint()
    got = {(row.name, method): asker.ask(row, method)[0] for row in ROWS for method in METHODS}
    assert {cell: symbol for cell, symbol in got.items() if symbol != "x"} == {}
    assert fingerprint() == before
