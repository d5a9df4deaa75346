"""What staff can do, as hits: `new library`, `import patrons`, `deleted books`."""

from collections.abc import Iterator
from typing import Any

from django.contrib.admin.sites import AdminSite
from django.http import HttpRequest
from django.utils.translation import gettext as _

from backoffice.admin.pages import list_title, page_of
from backoffice.admin.search.hits import MOST, Hit, Kind, provider


@provider
def actions(site: AdminSite, request: HttpRequest, term: str) -> Iterator[Kind]:
    words = term.casefold().split()
    found = [
        hit
        for model, model_admin in site._registry.items()
        if model_admin.has_module_permission(request)
        for hit, other_words in _actions(site, request, model, model_admin)
        if _fits(words, f"{hit.text} {other_words}".casefold().split())
    ]
    yield Kind(_("Go to"), found[:MOST])


def _fits(words: list[str], of_hit: list[str]) -> bool:
    """Whether each word is the beginning of one of the hit's."""
    return all(any(its.startswith(word) for its in of_hit) for word in words)


def _actions(
    site: AdminSite, request: HttpRequest, model: Any, model_admin: Any
) -> Iterator[tuple[Hit, str]]:
    """The pages of a model that the user may open, each with other words for it."""
    one, many = model._meta.verbose_name, model._meta.verbose_name_plural

    def may(right: str) -> bool:
        return bool(getattr(model_admin, right, lambda request: False)(request))

    history = "has_view_history_permission"
    pages = [
        ("changelist", "has_view_permission", list_title(model_admin), _("list all show")),
        ("add", "has_add_permission", _("Add %s") % one, _("new create %s") % many),
        ("import", "has_import_permission", _("Import %s") % many, _("upload file %s") % one),
        ("export", "has_export_permission", _("Export %s") % many, _("Excel CSV %s") % one),
        ("deleted", history, _("Deleted %s") % many, _("restore %s") % one),
    ]
    for page, right, text, other_words in pages:
        if may(right) and (url := page_of(site, model, page)):
            yield Hit(text, url), other_words
