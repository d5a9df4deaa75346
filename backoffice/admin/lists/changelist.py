"""Lists of any length: the cost of a page does not depend on the number of rows."""

from dataclasses import replace
from typing import Any

from django.contrib import messages
from django.contrib.admin import helpers
from django.contrib.admin.exceptions import NotRegistered
from django.contrib.admin.options import IS_POPUP_VAR, IncorrectLookupParameters
from django.contrib.admin.utils import build_q_object_from_lookup_parameters
from django.contrib.admin.views import main
from django.core.exceptions import (
    FieldDoesNotExist,
    ImproperlyConfigured,
    SuspiciousOperation,
)
from django.core.paginator import InvalidPage
from django.db import DataError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.functional import cached_property
from django.utils.translation import gettext as _

from backoffice.admin.lists.address import list_address
from backoffice.admin.lists.choice import Places, order_of, sorted_by
from backoffice.admin.lists.columns import RelatedCount, RelatedName
from backoffice.admin.lists.dates import Dates
from backoffice.admin.lists.filtersets import FilteredChangeList
from backoffice.admin.lists.paginator import Paginator, paginate
from backoffice.admin.pages import list_title
from backoffice.admin.scripts import without_jquery
from backoffice.admin.typing import ModelAdminBase
from backoffice.querysets.counts import Count, Found
from backoffice.querysets.keys import is_key
from backoffice.querysets.ordering import indexed_ordering
from backoffice.querysets.related import are_written

# No text in a URL is a range, and a wrong regular expression is an error of the database.
UNASKED = ("__range", "__regex", "__iregex")


class ChangeList(FilteredChangeList):
    """Django's, except that a list too long to be counted sorts only by an index.

    `is_long`: the list is too long, or would be without its filters and search.
    """

    model_admin: Any
    result_count: Count
    full_result_count: Count
    sortable_by: Any

    def __init__(self, request: HttpRequest, *args: Any, **options: Any) -> None:
        super().__init__(request, *args, **options)
        # Where one is chosen the title says so, and an export has counted nothing.
        if not self.is_popup and hasattr(self, "result_count"):
            self.title = self.name_and_count()

    def name_and_count(self) -> str:
        """What the page is: "Libraries · 17,269", or "Libraries · 3 of 17,269"."""
        name = list_title(self.model_admin)
        count: Any = self.result_count
        if self.full_result_count is not count:
            count = _("%(n)s of %(all)s") % {"n": count, "all": self.full_result_count}
        return f"{name} · {count}"

    # Order --------------------------------------------------------------------------

    def get_ordering_field(self, field_name: Any) -> Any:
        if hasattr(field_name, "expression"):  # a column of ours
            return field_name.expression(self.request, self.model_admin)
        if isinstance(field_name, RelatedName):
            field_name = field_name.field.name
        try:
            field = self.lookup_opts.get_field(field_name)
        except FieldDoesNotExist:
            return super().get_ordering_field(field_name)
        if field.is_relation and (order := self.related_order(field)):
            # As the related list is sorted; Django might sort by primary key.
            descending = "-" if order.startswith("-") else ""
            return f"{descending}{field.name}__{order.removeprefix('-')}"
        return field.name

    def related_order(self, field: Any) -> str | None:
        try:
            related_admin = self.model_admin.admin_site.get_model_admin(field.related_model)
        except NotRegistered:
            return None
        order = next(iter(related_admin.get_ordering(self.request)), None)
        return order if isinstance(order, str) else None

    def get_ordering(self, request: HttpRequest, queryset: QuerySet[Any]) -> list[Any]:
        asked, self.params = self.params, self.params.copy()
        if self.params.pop(main.ORDER_VAR, None) and (places := self.sorted_by):
            # Django's own numbers, which depend on what the user may do.
            self.params[main.ORDER_VAR] = ".".join(
                f"{'-' if way == 'desc' else ''}{place}" for place, way in places.items()
            )
        try:
            return self.ordering_of(request, queryset)
        finally:
            self.params = asked

    @property
    def sorted_by(self) -> Places:
        """The order that the address has."""
        order = self.filter_params.get(main.ORDER_VAR, [""])[-1]
        return sorted_by(order, self.list_display)

    def get_ordering_field_columns(self) -> Places:
        is_asked = main.ORDER_VAR in self.filter_params
        return self.sorted_by if is_asked else super().get_ordering_field_columns()

    def get_query_string(self, new_params: Any = None, remove: Any = None) -> str:
        """Django's; where it numbers the columns of an order, they are named."""
        if numbers := (new_params or {}).get(main.ORDER_VAR):
            places = {
                int(part.removeprefix("-")): "desc" if part.startswith("-") else "asc"
                for part in numbers.split(".")
            }
            new_params = new_params | {main.ORDER_VAR: order_of(places, self.list_display)}
        return str(super().get_query_string(new_params, remove))

    def ordering_of(self, request: HttpRequest, queryset: QuerySet[Any]) -> list[Any]:
        """The whole order, by an index if there is one for what was asked."""
        ordering = self.total_ordering(super().get_ordering(request, queryset.order_by()))
        if indexed_ordering(self.model, ordering):
            return ordering
        return self.total_ordering(super().get_ordering(request, queryset))

    def total_ordering(self, ordering: list[Any]) -> list[Any]:
        """`ordering` extended by an index; if there is none, Django's, which ends in "-pk"."""
        found = indexed_ordering(self.model, ordering)
        if found is None and ordering[-1:] == ["-pk"]:
            found = indexed_ordering(self.model, ordering[:-1])
        return found or ordering

    def sort_by_index(self, request: HttpRequest) -> None:
        """Allow sorting only by an index; reset any other order, and tell the user."""
        self.sortable_by = [
            column
            for column in self.list_display
            if not hasattr(column, "expression")
            and indexed_ordering(self.model, [self.get_ordering_field(column)])
        ]
        if indexed_ordering(self.model, self.queryset.query.order_by):
            return
        if self.params.pop(main.ORDER_VAR, None):
            self.filter_params.pop(main.ORDER_VAR)
            message = _("The list is too long to sort by this column. Filter or search first.")
            messages.warning(request, message)
        ordering = self.get_ordering(request, self.root_queryset.order_by())
        ordering = indexed_ordering(self.model, ordering) or ["-pk"]
        self.queryset = self.queryset.order_by(*ordering)

    @property
    def dated(self) -> Any:
        """What Django's `date_hierarchy` tag reads the dates above the list from."""
        return Dates(self) if self.is_long else self

    # Rows ---------------------------------------------------------------------------

    def has_related_field_in_list_display(self) -> bool:
        named = any(isinstance(column, RelatedName) for column in self.list_display)
        return named or super().has_related_field_in_list_display()  # type: ignore[misc] # not in the stubs

    def get_queryset(
        self, request: HttpRequest, exclude_parameters: Any = None
    ) -> QuerySet[Any]:
        if exclude_parameters is not None:
            return self.find(exclude_parameters).rows
        self.check_parameters()
        try:
            self.found = self.find()
        except (OverflowError, ValueError) as error:
            # Django makes a date of any year in the URL, and of the year after it.
            raise IncorrectLookupParameters(error) from error
        return self.found.rows

    @cached_property
    def search(self) -> Any:
        """The Search for the query; None if there is no query, or Django's own search runs."""
        return self.model_admin.get_search(self.request, self.query)

    @cached_property
    def filters(self) -> Any:
        """The result of Django's `get_filters`, cached."""
        return self.get_filters(self.request)

    def find(self, exclude_parameters: Any = None) -> Found:
        """The rows of the list, in its order, as a `Found`.

        It replaces Django's `get_queryset`, which gives only the rows.

        Args:
            exclude_parameters: the parameters of a list filter to leave out.
        """
        specs, self.has_filters, lookups, may_repeat, self.has_active_filters = self.filters
        self.filter_specs = specs
        rows, is_costly = self.filtered.rows, self.filtered.is_costly
        for spec in specs:
            if exclude_parameters is None or spec.expected_parameters() != exclude_parameters:
                narrowed = spec.queryset(self.request, rows)
                if narrowed is not None:
                    rows = narrowed
                    is_costly |= getattr(spec, "is_costly", False)
        try:
            rows = rows.filter(build_q_object_from_lookup_parameters(lookups))
        except (SuspiciousOperation, ImproperlyConfigured):
            raise
        except Exception as error:  # as Django does: a lookup may raise anything
            raise IncorrectLookupParameters(error) from error
        is_narrowed = rows.query.where != self.filtered.rows.query.where
        if not rows.query.select_related:
            rows = self.apply_select_related(rows)
        rows = rows.order_by(*self.get_ordering(self.request, rows))
        found = Found(rows, None if is_narrowed else self.filtered.count, is_costly)
        found, search_may_repeat = self.find_searched(found)
        self.clear_all_filters_qs = self.get_query_string(
            new_params=lookups, remove=self.narrowing
        )
        if may_repeat or search_may_repeat:
            return replace(found, rows=found.rows.distinct())
        return found

    def find_searched(self, found: Found) -> tuple[Found, bool]:
        """`(rows of found that match the search, whether a row may occur twice)`."""
        if self.search is None:
            rows, may_repeat = self.model_admin.get_search_results(
                self.request, found.rows, self.query
            )
            count = None if self.query else found.count
            return Found(rows, count, found.is_costly), may_repeat
        searched = self.search.find(found.rows, anew=are_written(self.request))
        return replace(searched, is_costly=searched.is_costly or found.is_costly), False

    def get_results(self, request: HttpRequest) -> None:
        try:
            self.count(request)
            self.read_page(request)
        except (DataError, OverflowError, ValueError, InvalidPage) as error:
            # The database refused a value of the URL, such as a number too large.
            raise IncorrectLookupParameters(error) from error
        for column in self.list_display:
            if isinstance(column, RelatedCount | RelatedName):
                column.attach(request, self.model_admin, self.result_list)

    def count(self, request: HttpRequest) -> Any:
        paginator = paginate(self.model_admin, request, self.found, self.list_per_page)
        count = paginator.count
        count = count if isinstance(count, Count) else Count(count)
        self.result_count = self.full_result_count = count
        self.show_full_result_count = self.model_admin.show_full_result_count
        is_narrowed = self.query or self.narrowing
        if is_narrowed and self.show_full_result_count:
            self.full_result_count = self.whole_count
        self.is_long = not (self.full_result_count.is_exact and self.result_count.is_exact)
        self.show_admin_actions = bool(self.full_result_count)

    def read_page(self, request: HttpRequest) -> None:
        count = self.result_count
        if not count.is_exact:
            self.sort_by_index(request)
        # The count is the same in another order.
        found = replace(self.found, rows=self.queryset, count=count)
        self.paginator = paginate(self.model_admin, request, found, self.list_per_page)
        # "1,000+" may be a million, more than a page can show.
        self.can_show_all = count.is_exact and count <= self.list_max_show_all
        self.multi_page = not count.is_exact or count > self.list_per_page
        if (self.show_all and self.can_show_all) or not self.multi_page:
            self.result_list = self.queryset.all()
        else:
            self.page_num = self.page_there()
            self.result_list = self.paginator.page(self.page_num).object_list

    def page_there(self) -> int:
        """The page in the URL; the last page if others have deleted its rows."""
        if not self.result_count.is_exact:
            return self.page_num
        pages: int = self.paginator.num_pages
        from_the_end = max(pages + 1 + self.page_num, 1)
        return min(self.page_num if self.page_num >= 0 else from_the_end, pages)


class ListMixin(ModelAdminBase):
    """For a ModelAdmin whose lists, choices and searches stay fast."""

    paginator = Paginator

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> Any:
        return ChangeList

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest) -> bool:
        return not lookup.endswith(UNASKED) and super().lookup_allowed(lookup, value, request)

    def _response_post_save(self, request: HttpRequest, obj: Any) -> HttpResponse:
        return self.back_to_list(request, super()._response_post_save(request, obj))  # type: ignore[misc] # not in the stubs

    def response_delete(
        self, request: HttpRequest, obj_display: str, obj_id: Any
    ) -> HttpResponse:
        response = super().response_delete(request, obj_display, obj_id)
        return self.back_to_list(request, response)

    def back_to_list(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        """Django's answer, with all of the list's filters: of several values it keeps one."""
        address = list_address(request, self.opts)
        path = getattr(response, "url", "").partition("?")[0]
        if path != address.partition("?")[0]:
            return response
        return HttpResponseRedirect(address)

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Django's; without JavaScript, all rows can be chosen though none is ticked."""
        ticked = request.POST.get(helpers.ACTION_CHECKBOX_NAME)
        if request.POST.get("select_across") == "1" and not ticked:
            first = self.get_queryset(request).order_by().values_list("pk", flat=True)[:1]
            posted = request.POST.copy()
            posted.setlist(helpers.ACTION_CHECKBOX_NAME, [str(key) for key in first])
            request.POST = posted  # type: ignore[assignment] # as Django's response_action() does
        response: Any = super().changelist_view(request, extra_context)
        context = getattr(response, "context_data", None) or {}
        if "media" in context and IS_POPUP_VAR not in request.GET:
            context["media"] = without_jquery(context["media"])
        return response  # type: ignore[no-any-return] # Any: not each answer has a context

    def response_action(
        self, request: HttpRequest, *args: Any, **kwargs: Any
    ) -> HttpResponse | None:
        """Django's, but refuses invalid keys, on which Django's fails."""
        ticked = request.POST.getlist(helpers.ACTION_CHECKBOX_NAME)
        if not all(is_key(self.opts, key) for key in ticked):
            message = _("The ticked rows are not in this list. Nothing was done: tick again.")
            self.message_user(request, message, messages.WARNING)
            return None
        return super().response_action(request, *args, **kwargs)

    def get_ordering(self, request: HttpRequest) -> list[Any] | tuple[Any, ...]:
        ordering = super().get_ordering(request)
        return indexed_ordering(self.model, ordering) or ordering
