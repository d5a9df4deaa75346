"""The menu: what staff do, in groups. Every page has it, and the start page.

The models of an app are a group under the app's name. A ModelAdmin that says `menu_group`
stands in that one instead, whatever its app. Within a group the order is that of registration.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.contrib.admin.sites import AdminSite
from django.http import HttpRequest, QueryDict
from django.urls import NoReverseMatch, reverse
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

WORK = gettext_lazy("Work")
ADMINISTRATION = gettext_lazy("Administration")


@dataclass(frozen=True)
class Link:
    """One line of the menu; `is_current` on its page, and on all pages below it."""

    name: str
    url: str
    is_current: bool


def grouped(
    site: AdminSite, apps: Iterable[dict[str, Any]], last: Iterable[Any]
) -> list[dict[str, Any]]:
    """Django's list of apps, in the groups that ModelAdmins name.

    last: the names of the groups that stand after all others, in this order.
    """
    registered = {model: place for place, model in enumerate(site._registry)}
    found = [(registered[each["model"]], each, app) for app in apps for each in app["models"]]
    groups: dict[str, dict[str, Any]] = {}
    for _place, entry, app in sorted(found, key=lambda each: each[0]):
        name = str(getattr(site.get_model_admin(entry["model"]), "menu_group", None) or "")
        own = {"name": name, "app_label": slugify(name), "app_url": entry["admin_url"]}
        group = groups.setdefault(
            name or app["name"], {**app, **(own if name else {}), "models": []}
        )
        group["models"].append(entry)
    places = {str(name): place for place, name in enumerate(last)}
    return sorted(groups.values(), key=lambda group: places.get(str(group["name"]), -1))


def menu(
    site: AdminSite, request: HttpRequest, groups: list[dict[str, Any]]
) -> list[tuple[str, list[Link]]]:
    """`(name of the group, its links)`; what has no list of its own is left out."""
    shown = [
        (
            str(group["name"]),
            [
                link
                for entry in group["models"]
                if entry["admin_url"]
                for link in _links(site, request, entry)
            ],
        )
        for group in groups
    ]
    try:
        address = reverse(f"{site.name}:help")
    except NoReverseMatch:
        return shown
    return [*shown, ("", [Link(_("Help"), address, _is_at(request, address))])]


def _links(site: AdminSite, request: HttpRequest, entry: dict[str, Any]) -> Iterator[Link]:
    """The list of a model, and those of its filtered lists that are lines of their own."""
    url = entry["admin_url"]
    own = getattr(site.get_model_admin(entry["model"]), "menu_filters", ())
    chosen = [query for _name, query in own if _is_filtered(request, url, query)]
    yield Link(str(entry["name"]), url, not chosen and _is_at(request, url))
    for name, query in own:
        yield Link(str(name), f"{url}?{query}", query in chosen)


def _is_filtered(request: HttpRequest, url: str, query: str) -> bool:
    asked = QueryDict(query).lists()
    return request.path == url and all(
        request.GET.getlist(name) == values for name, values in asked
    )


def _is_at(request: HttpRequest, address: str) -> bool:
    return request.path.startswith(address)
