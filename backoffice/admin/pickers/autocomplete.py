"""Rows as JSON, for autocompletion and for the boxes of a picker."""

from typing import TYPE_CHECKING, Any

from django.contrib.admin.views.autocomplete import AutocompleteJsonView
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, JsonResponse

from backoffice.admin.lists.beginnings import search_page
from backoffice.querysets.names import names
from backoffice.querysets.reach import Reach

if TYPE_CHECKING:
    from backoffice.admin.pickers.picker import PickerMixin

PER_PAGE = 100  # rows per page of a box
MAX_ALL = 10_000  # rows of a box in one answer
FURTHEST = 1_000_000  # the last page of a box
NAMED = 100  # rows that autocompletion, which shows 20, filters by their keys


class ChoicesJsonView(AutocompleteJsonView):
    """Django's, for forward relations and either side of a many-to-many."""

    paginate_by: int = 20

    def process_request(self, request: HttpRequest) -> Any:
        found = super().process_request(request)
        source_field = found[2]
        if source_field.auto_created and not source_field.many_to_many:
            raise PermissionDenied
        return found

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> JsonResponse:
        self.term, self.model_admin, self.source_field, to_field = self.process_request(request)
        if not self.has_perm(request):
            raise PermissionDenied
        rows = self.model_admin.get_queryset(request)
        if not self.source_field.auto_created:
            rows = rows.complex_filter(self.source_field.get_limit_choices_to())
        start = (page_number(request) - 1) * self.paginate_by
        end = start + self.paginate_by
        # Read one row more to know whether there are more, without counting.
        found = search_page(
            self.model_admin, request, rows, self.term, start, end + 1, most=NAMED
        )
        shown = found[: self.paginate_by]
        results = [
            self.serialize_result(row, to_field) | {"text": text}
            for row, text in zip(shown, names(shown, Reach.of(request.user)), strict=True)
        ]
        more = len(found) > self.paginate_by
        return JsonResponse({"results": results, "pagination": {"more": more}})


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
    size = MAX_ALL if "all" in request.GET else PER_PAGE
    start = (page_number(request) - 1) * size
    found = search_page(
        model_admin.related_admin(name),
        request,
        links.chosen() if side == "chosen" else links.available(),
        request.GET.get("term", "").replace("\x00", ""),
        start,
        start + size + 1,  # one more, to know whether there are more, without counting
        row_by_row=side == "chosen" and links.are_few,
    )
    rows = found[:size]
    answer: dict[str, Any] = {
        "results": [
            {"id": str(row.pk), "text": text}
            for row, text in zip(rows, names(rows, Reach.of(request.user)), strict=True)
        ],
        "pagination": {"more": len(found) > size},
    }
    if side == "chosen" and not start:
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
