"""What pages of any ModelAdmin need: addresses of other pages, rights, and the frame."""

from typing import Any

from django.contrib.admin.sites import AdminSite
from django.contrib.admin.utils import quote
from django.contrib.auth import get_permission_codename
from django.db.models import Model
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.urls import NoReverseMatch, reverse
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from backoffice.changes.models import Change
from backoffice.changes.undo import rights


def page_of(site: AdminSite, model: type[Model], page: str, *keys: Any) -> str | None:
    """The URL of a page of a model, or of one of its rows; None if the site has none."""
    opts = model._meta
    name = f"{site.name}:{opts.app_label}_{opts.model_name}_{page}"
    try:
        return reverse(name, args=[quote(key) for key in keys])
    except NoReverseMatch:
        return None


def list_title(model_admin: Any) -> str:
    """What a list is called: the ModelAdmin's `menu_title`, or else the model's plural."""
    own = getattr(model_admin, "menu_title", None)
    return str(own or capfirst(model_admin.opts.verbose_name_plural))


def plural_of(model: Any) -> str:
    """The plural name of a model, or of the model whose history it is."""
    opts = getattr(model, "instance_type", model)._meta
    if opts.auto_created:
        return _("links of %(names)s") % {"names": opts.auto_created._meta.verbose_name_plural}
    return str(opts.verbose_name_plural)


def may(site: AdminSite, request: HttpRequest, right: str, model: type[Model]) -> bool:
    """Whether the user may view, change, delete or restore (add) rows, by their ModelAdmin."""
    if site.is_registered(model):
        model_admin: Any = site.get_model_admin(model)
        if right == "add" and hasattr(model_admin, "may_bring_back"):
            return bool(model_admin.may_bring_back(request))
        return bool(getattr(model_admin, f"has_{right}_permission")(request))
    codename = get_permission_codename(right, model._meta)
    return bool(request.user.has_perm(f"{model._meta.app_label}.{codename}"))


def history_page(
    site: AdminSite,
    request: HttpRequest,
    model: type[Model],
    *keys: Any,
    page: str = "history",
) -> str | None:
    """The URL of a row's history; None if there is none, or the user may not see it.

    page: another that shows what history has, such as `restore`.
    """
    if not site.is_registered(model):
        return None
    model_admin: Any = site.get_model_admin(model)
    may_see = getattr(
        model_admin, "has_view_history_permission", model_admin.has_view_permission
    )
    return page_of(site, model, page, *keys) if may_see(request) else None


def may_undo(site: AdminSite, request: HttpRequest, change: Change) -> bool:
    """Whether the user may do all that undoing the change does."""
    return all(may(site, request, right, model) for model, right in rights(change))


def framed(
    model_admin: Any,
    request: HttpRequest,
    template: str,
    context: dict[str, Any],
    *,
    status: int = 200,
) -> TemplateResponse:
    """A page of the ModelAdmin, with the menus of its site."""
    site = model_admin.admin_site
    request.current_app = site.name
    context = {**site.each_context(request), "opts": model_admin.opts, **context}
    return TemplateResponse(request, template, context, status=status)
