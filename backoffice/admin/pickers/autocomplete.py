"""Rows as JSON, for autocompletion and for the boxes of a picker."""

from typing import TYPE_CHECKING, Any

from django.contrib.admin.views.autocomplete import AutocompleteJsonView
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, JsonResponse

from backoffice.admin.lists.paginator import paginate, window
from backoffice.admin.lists.search import search_rows
from backoffice.querysets.counts import Found

if TYPE_CHECKING:
    from backoffice.admin.pickers.picker import PickerMixin

PER_PAGE = 100  # rows per page of a box
MAX_ALL = 10_000  # rows of a box in one answer
FURTHEST = 1_000_000  # the last page of a box
NAMED = 100  # rows that autocompletion, which shows 20, filters by their keys


class ChoicesJsonView(AutocompleteJsonView):
    """Django's, for forward relations and either side of a many-to-many."""

    found: Found

    def process_request(self, request: HttpRequest) -> Any:
        found = super().process_request(request)
        source_field = found[2]
        if source_field.auto_created and not source_field.many_to_many:
            raise PermissionDenied
        return found

    def get_queryset(self) -> QuerySet[Any]:
        rows = self.model_admin.get_queryset(self.request)
        if not self.source_field.auto_created:
            rows = rows.complex_filter(self.source_field.get_limit_choices_to())
        self.found = search_rows(self.model_admin, self.request, rows, self.term, most=NAMED)
        return self.found.rows

    def get_paginator(
        self, queryset: Any, per_page: int, *args: Any, **kwargs: Any
    ) -> Paginator[Any]:
        return paginate(self.model_admin, self.request, self.found, per_page)


def picker_rows(model_admin: "PickerMixin", request: HttpRequest, name: str) -> JsonResponse:
    """The rows that a box of the picker `name` shows, for users whose form has that picker.

    The parameters are `side` (available or chosen), `object_id` of the form's row (none for a
    new one), `term`, `page` from 1, and `all`, for one page of MAX_ALL rows.

    The answer has the form of Django's autocompletion. The first page of the chosen rows also
    has their `count`, whatever the term.

    Raises PermissionDenied if the form has no such picker, and Http404.
    """
    side = request.GET.get("side")
    if side not in ("available", "chosen"):
        raise PermissionDenied
    links = model_admin.get_links(request, name, request.GET.get("object_id"))
    page = page_number(request)
    found = search_rows(
        model_admin.related_admin(name),
        request,
        links.chosen() if side == "chosen" else links.available(),
        request.GET.get("term", "").replace("\x00", ""),
        row_by_row=side == "chosen" and links.are_few,
    )
    size = MAX_ALL if "all" in request.GET else PER_PAGE
    start = (page - 1) * size
    # Read one row more to know whether there are more, without counting.
    rows = list(window(found.rows, start, start + size + 1, is_costly=found.is_costly))
    answer: dict[str, Any] = {
        "results": [{"id": str(row.pk), "text": str(row)} for row in rows[:size]],
        "pagination": {"more": len(rows) > size},
    }
    if side == "chosen" and page == 1:
        answer["count"] = links.count()
    return JsonResponse(answer)


def page_number(request: HttpRequest) -> int:
    try:
        page = int(request.GET.get("page", 1))
    except ValueError as error:
        raise Http404 from error
    if not 1 <= page <= FURTHEST:
        raise Http404
    return page
