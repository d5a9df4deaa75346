"""The start page of an AdminSite: what one sees first in the morning."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from typing import Any

from django.contrib import admin
from django.db.models import Count as CountOf
from django.db.models import Sum
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from backoffice.admin.pages import list_title, page_of
from backoffice.admin.people import person
from backoffice.admin.records.activity import action_label
from backoffice.admin.start.figures import MOST, Figures, figures
from backoffice.admin.start.steps import first_steps
from backoffice.changes.models import Change
from backoffice.first_steps import put_away
from backoffice.querysets.counts import Count
from backoffice.querysets.scopes import within
from backoffice.trail.models import Entry

MINUTE = timedelta(minutes=1)
RECENT_IMPORTS, RECENT_ENTRIES = 5, 8
HEIGHT, TALLEST = 48, 44  # of the plot and of a bar in it


@dataclass(frozen=True)
class Figure:
    name: str
    url: str
    total: Count
    change: int | None  # None while it is not counted

    @property
    def changed(self) -> Count:
        """By how many, up or down."""
        return Count(abs(self.change or 0))


@dataclass(frozen=True)
class Need:
    """A line of *Needs attention*."""

    number: Count
    text: str
    url: str
    todo: str


@dataclass(frozen=True)
class Tile:
    code: str
    name: str
    number: Count
    shade: int
    url: str


@dataclass(frozen=True)
class Bar:
    month: str
    number: Count
    height: int
    place: int  # from the left
    url: str

    @property
    def left(self) -> int:
        return self.place + 2

    @property
    def top(self) -> int:
        return HEIGHT - self.height


class StartPage(admin.AdminSite):
    """For an AdminSite: its index has figures, what needs attention, imports and activity."""

    def index(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> TemplateResponse:
        context = {"start": self.start(request), **(extra_context or {})}
        return super().index(request, context)

    def app_index(
        self, request: HttpRequest, app_label: str, extra_context: dict[str, Any] | None = None
    ) -> TemplateResponse:
        """Django's, titled by the name of the app."""
        app_list = self.get_app_list(request, app_label)
        title = {"title": app_list[0]["name"]} if app_list else {}
        return super().app_index(request, app_label, title | (extra_context or {}))

    def get_urls(self) -> list[Any]:
        view = self.admin_view(require_POST(self.put_steps_away))
        return [path("first-steps/", view, name="first_steps"), *super().get_urls()]

    def put_steps_away(self, request: HttpRequest) -> HttpResponse:
        put_away(request.user)
        return HttpResponseRedirect(reverse("admin:index", current_app=self.name))

    def start(self, request: HttpRequest) -> dict[str, Any]:
        shown = [
            model_admin
            for model_admin in self._registry.values()
            if getattr(model_admin, "on_start_page", False)
            and model_admin.has_view_or_change_permission(request)
        ][:MOST]
        found = figures(shown, request)
        imports, imports_url = self._imports(request)
        plots = list(_plots(shown, found))
        user: Any = request.user
        return {
            "may_nothing": not (user.is_superuser or user.get_all_permissions()),
            "figures": [_figure(each, found) for each in shown],
            "counted_at": found.at,
            "is_new": found.at is not None and timezone.now() - found.at < MINUTE,
            "needs": [*self._waiting(request), *_needs(shown, found)],
            "imports": imports,
            "imports_url": imports_url,
            "maps": list(_maps(shown, found)),
            "plots": plots,
            "months": [
                (bars[0].month, bars)
                for bars in zip(*(plot["bars"] for plot in plots), strict=True)
            ],
            "activity": self._activity(request),
            "activity_url": self._list_of(request, Entry),
            "actions": list(_buttons(request, shown)),
            "greeting": greeting(user),
            "steps": first_steps(self, request, shown),
        }

    # What is never kept: it is little, and it is what just happened --------------------

    def _list_of(self, request: HttpRequest, model: Any) -> str:
        """The URL of a list; "" where the user may not see it."""
        if not self.is_registered(model):
            return ""
        if not self.get_model_admin(model).has_view_permission(request):
            return ""
        return _list(self.get_model_admin(model))

    def _imports(self, request: HttpRequest) -> tuple[list[dict[str, Any]], str]:
        """`(the latest imports, the URL of all)`."""
        url = self._list_of(request, Change)
        if not url:
            return [], ""
        model_admin: Any = self.get_model_admin(Change)
        jobs = model_admin.get_queryset(request).select_related("user", "checked_by", "file")
        links = model_admin.links_for(request)
        rows = [
            {
                "name": job.title,
                "what": capfirst(model_admin.what(job)),
                "result": model_admin.result(job),
                "who": person(request, job.user),
                "at": job.created_at,
                "state": model_admin.state(job),
                "links": list(islice(links(job), 1)),
            }
            for job in jobs.order_by("-created_at")[:RECENT_IMPORTS]
        ]
        return rows, url

    def _waiting(self, request: HttpRequest) -> Iterator[Need]:
        """The imports that wait for somebody's decision."""
        url = self._list_of(request, Change)
        if not url:
            return
        status = Change.Status
        jobs: Any = self.get_model_admin(Change)
        waiting = jobs.get_queryset(request).filter(
            waiting="", status__in=(status.UPLOADED, status.CHECKED)
        )
        numbers = waiting.aggregate(imports=CountOf("pk"), rejected=Sum("rejected"))
        if not (number := numbers["imports"]):
            return
        text = ngettext(
            "import waits for your decision", "imports wait for your decision", number
        )
        if rejected := numbers["rejected"]:
            rows = ngettext("%(n)s row rejected", "%(n)s rows rejected", rejected)
            text = f"{text}: {rows % {'n': Count(rejected)}}"
        query = f"status={status.CHECKED}&status={status.UPLOADED}"
        yield Need(Count(number), text, f"{url}?{query}", _("Review"))

    def _activity(self, request: HttpRequest) -> list[dict[str, Any]]:
        """The latest entries: of everybody, or one's own where that is all one may see."""
        if not self.is_registered(Entry):
            return []
        model_admin: Any = self.get_model_admin(Entry)
        entries = within(Entry.objects.all(), request.user)
        if not model_admin.has_view_permission(request):
            entries = entries.filter(user=request.user)
        return [
            {
                "who": entry.name or "–",
                "what": action_label(entry.action),
                "link": model_admin.object_link(entry),
                "said": entry.said if entry.object_id or entry.message else "",
                "at": entry.at,
            }
            for entry in entries.order_by("-at")[:RECENT_ENTRIES]
        ]


def greeting(user: Any) -> str:
    """As one says it at this time of the day, with the name."""
    hour = timezone.localtime().hour
    if 4 <= hour < 12:
        text = _("Good morning, %s")
    elif 12 <= hour < 18:
        text = _("Good afternoon, %s")
    else:
        text = _("Good evening, %s")
    return str(text % (user.get_short_name() or user.get_username()))


def _buttons(request: HttpRequest, shown: list[Any]) -> Iterator[tuple[str, str, bool]]:
    """`(text, URL, whether it is the main one)` of the buttons in the head."""
    for model_admin in shown:
        if model_admin.has_import_permission(request):
            names = model_admin.opts.verbose_name_plural
            yield _("Import %s") % names, _page(model_admin, "import"), False
            break
    for model_admin in shown:
        if model_admin.has_add_permission(request):
            name = model_admin.opts.verbose_name
            yield _("Add %s") % name, _page(model_admin, "add"), True
            break


def _page(model_admin: Any, page: str) -> str:
    return page_of(model_admin.admin_site, model_admin.model, page) or ""


def _list(model_admin: Any) -> str:
    return _page(model_admin, "changelist")


def _figure(model_admin: Any, found: Figures) -> Figure:
    label = model_admin.opts.label
    return Figure(
        list_title(model_admin),
        _list(model_admin),
        found.totals[label],
        found.changes.get(label),
    )


def _needs(shown: list[Any], found: Figures) -> Iterator[Need]:
    for model_admin in shown:
        label, url = model_admin.opts.label, _list(model_admin)
        for each in model_admin.attention:
            if number := found.attention.get((label, each.query)):
                text = str(each.text % {"n": number})
                yield Need(Count(number), text, f"{url}?{each.query}", _("Show"))
    for model_admin in shown:
        if number := found.deleted.get(model_admin.opts.label):
            one, many = model_admin.opts.verbose_name, model_admin.opts.verbose_name_plural
            text = ngettext(
                "%(name)s was deleted in the last 7 days",
                "%(names)s were deleted in the last 7 days",
                number,
            ) % {"name": one, "names": many}
            yield Need(Count(number), text, _page(model_admin, "deleted"), _("Restore"))


def _maps(shown: list[Any], found: Figures) -> Iterator[dict[str, Any]]:
    for model_admin in shown:
        numbers = found.tiles.get(model_admin.opts.label)
        if not numbers:
            continue
        tile_map = model_admin.tile_map
        field = model_admin.opts.get_field(tile_map.field)
        names, url = dict(field.flatchoices), f"{_list(model_admin)}?{field.name}="

        def tile(code: str, number: int, shade: int) -> Tile:
            return Tile(code, str(names.get(code, code)), Count(number), shade, f"{url}{code}")  # noqa: B023 -- called at once

        yield {
            "title": _("%(names)s by %(field)s")
            % {"names": list_title(model_admin), "field": field.verbose_name},
            "of": capfirst(field.verbose_name),
            "tiles": [tile(*each) for each in tile_map.tiles(numbers)],
            "rows": sorted(
                (tile(code, number, 0) for code, number in numbers.items()),
                key=lambda each: each.name,
            ),
        }


def _plots(shown: list[Any], found: Figures) -> Iterator[dict[str, Any]]:
    for model_admin in shown:
        numbers = found.months.get(model_admin.opts.label, {})
        most = max(numbers.values(), default=0)
        if not most:
            continue
        url = f"{_list(model_admin)}?added_since="
        yield {
            "name": list_title(model_admin),
            "bars": [
                Bar(
                    date_format(month, "YEAR_MONTH_FORMAT"),
                    Count(number),
                    max(1, round(TALLEST * number / most)) if number else 0,
                    place * 20,
                    f"{url}{month.isoformat()}",
                )
                for place, (month, number) in enumerate(numbers.items())
            ],
        }
