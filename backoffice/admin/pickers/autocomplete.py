"""The rows that a horizontal picker shows: Django's autocomplete view for either box."""

from django.contrib.admin.exceptions import NotRegistered
from django.contrib.admin.views.autocomplete import AutocompleteJsonView
from django.core.exceptions import PermissionDenied
from django.http import Http404, JsonResponse

from backoffice.admin.lists.paginator import window


class ChoicesJsonView(AutocompleteJsonView):
    """Django's, for fields alone: the other side of one has no choices of its own."""

    def process_request(self, request):
        found = super().process_request(request)
        source_field = found[2]
        if source_field.auto_created:
            raise PermissionDenied
        return found


class PickerJsonView(AutocompleteJsonView):
    """`?side=available` or `?side=chosen` beside the parameters of autocompletion.

    object_id: the row that the form is of; none for a new one · page: from 1 · all: one
    page of up to `max_all` rows. Answers as autocompletion does, and with `count` on the
    first page of what is chosen: how many there are whatever the term.

    For those who may view the related rows and have the picker on the form of that row.
    """

    paginate_by = 100
    max_all = 10_000

    @staticmethod
    def serves(request):
        return request.GET.get("side") in ("available", "chosen")

    def get(self, request, *args, **kwargs):
        term, self.model_admin, self.source_field, to_field = self.process_request(request)
        if not self.has_perm(request):
            raise PermissionDenied
        links = self.get_links(request)
        side, page = request.GET["side"], self.get_page(request)
        rows = links.chosen() if side == "chosen" else links.available()
        rows = self.search(request, rows, term.replace("\x00", ""))
        size = self.max_all if "all" in request.GET else self.paginate_by
        start = (page - 1) * size
        # One more than is shown tells whether there are more: nothing is counted.
        found = list(window(rows, start, start + size + 1))
        answer = {
            "results": [self.serialize_result(row, to_field) for row in found[:size]],
            "pagination": {"more": len(found) > size},
        }
        if side == "chosen" and page == 1:
            answer["count"] = links.count()
        return JsonResponse(answer)

    def get_page(self, request):
        try:
            page = int(request.GET.get("page", 1))
        except ValueError as error:
            raise Http404 from error
        if not 1 <= page <= 1_000_000:
            raise Http404
        return page

    def get_links(self, request):
        try:
            source_admin = self.admin_site.get_model_admin(self.source_field.model)
        except NotRegistered as error:
            raise PermissionDenied from error
        if not (self.source_field.many_to_many and hasattr(source_admin, "get_picker_links")):
            raise PermissionDenied
        obj = None
        if object_id := request.GET.get("object_id"):
            obj = source_admin.get_object(request, object_id)
            if obj is None:
                raise Http404
        links = source_admin.get_picker_links(request, self.source_field, obj)
        if links is None:
            raise PermissionDenied
        return links

    def search(self, request, rows, term):
        rows, may_repeat = self.model_admin.get_search_results(request, rows, term)
        return rows.distinct() if may_repeat else rows
