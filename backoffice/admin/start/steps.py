"""The first steps on the start page of a new account: what its role is for, done or not yet.

They go by themselves once all are done, or once the account is no longer new.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.contrib.auth import get_permission_codename, get_user_model
from django.http import HttpRequest
from django.utils.translation import gettext as _

from backoffice.admin.help.pages import section_address
from backoffice.admin.pages import page_of
from backoffice.admin.submissions.house import address_of
from backoffice.filters.models import SavedFilter
from backoffice.first_steps import are_shown_to
from backoffice.signin import second_factor
from backoffice.trail.models import Entry

WRITTEN = ("add", "change", "edit")  # actions of the trail


@dataclass(frozen=True)
class Step:
    text: str
    url: str
    help: str  # a page of the manual, and its section
    is_done: bool


def first_steps(
    site: Any, request: HttpRequest, model_admins: list[Any]
) -> list[tuple[Step, str]]:
    """The steps with the addresses of their help; none once all are done, or put away.

    model_admins: of the records that the user may see.
    """
    if not are_shown_to(request.user):
        return []
    steps = list(_steps(site, request, model_admins))
    if all(step.is_done for step in steps):
        return []
    return [(step, section_address(step.help, site.name)) for step in steps]


def _steps(site: Any, request: HttpRequest, model_admins: list[Any]) -> Iterator[Step]:
    user: Any = request.user
    accounts = get_user_model()
    done = set(Entry.objects.filter(user=user).values_list("action", "model").distinct())
    wrote = {model for action, model in done if action in WRITTEN}
    actions = {action for action, _model in done}

    def page(model_admin: Any, name: str) -> str:
        return page_of(site, model_admin.model, name) or ""

    for each in _first(model_admins, "has_add_permission", request):
        text = _("Add a new %s, or change one") % each.opts.verbose_name
        records = {other.opts.label for other in model_admins}
        is_done = bool(wrote & records)
        yield Step(text, page(each, "add"), "how-to/fill-in-a-form", is_done)
    for each in _first(model_admins, "has_import_permission", request):
        text = _("Import a file of %s: you see what would change before it is written")
        text %= each.opts.verbose_name_plural
        is_done = "import" in actions
        yield Step(text, page(each, "import"), "how-to/import-a-file", is_done)
    for each in _first(model_admins, "has_export_permission", request):
        text = _("Export a list, for a spreadsheet")
        yield Step(text, page(each, "export"), "how-to/export", "export" in actions)
    for each in model_admins[:1]:
        text = _("Filter a list, and keep it as a view of your own")
        is_done = SavedFilter.objects.filter(user=user).exists()
        yield Step(text, page(each, "changelist"), "how-to/filter-a-list", is_done)
    codename = get_permission_codename("change", accounts._meta)
    if user.has_perm(f"{accounts._meta.app_label}.{codename}"):
        url = page_of(site, accounts, "changelist") or ""
        is_done = accounts._meta.label in wrote
        yield Step(_("Give a colleague a role"), url, "how-to/give-a-role", is_done)
    if url := address_of(site, "second_factor"):  # it may be switched off
        text = _("Have a code asked for beside your password")
        is_done = second_factor.device_of(user) is not None
        yield Step(text, url, "how-to/sign-in#a-second-factor", is_done)


def _first(model_admins: list[Any], permission: str, request: HttpRequest) -> list[Any]:
    """The first ModelAdmin that allows it to the user, if any."""
    return [each for each in model_admins if getattr(each, permission)(request)][:1]
