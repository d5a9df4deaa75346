"""Lists of any length: what a page of one costs does not depend on the rows behind it."""

from django.contrib import messages
from django.contrib.admin import helpers
from django.contrib.admin.exceptions import NotRegistered
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views import main
from django.core.exceptions import FieldDoesNotExist
from django.core.paginator import InvalidPage
from django.db import DataError
from django.utils.translation import gettext as _

from backoffice.admin.lists.columns import RelatedCount
from backoffice.admin.lists.dates import Dates
from backoffice.admin.lists.filtersets import FilteredChangeList
from backoffice.admin.lists.paginator import Paginator
from backoffice.admin.pickers.links import is_key
from backoffice.querysets.counts import Count
from backoffice.querysets.ordering import indexed_ordering

# No text of an address is a range, and a wrong expression is an error of the database.
UNASKED = ("__range", "__regex", "__iregex")


class ChangeList(FilteredChangeList):
    """Django's. A list that is too long to be counted sorts only where an index does.

    `is_long` says whether it is, or would be without its filters and search.
    """

    # Order --------------------------------------------------------------------------

    def get_ordering_field(self, field_name):
        if isinstance(field_name, RelatedCount):
            return field_name.expression(self.request, self.model_admin)
        try:
            field = self.lookup_opts.get_field(field_name)
        except FieldDoesNotExist:
            return super().get_ordering_field(field_name)
        if field.is_relation and (order := self.related_order(field)):
            # By name, as the related list is, where Django would sort by primary key.
            descending = "-" if order.startswith("-") else ""
            return f"{descending}{field.name}__{order.removeprefix('-')}"
        return field.name

    def related_order(self, field):
        try:
            related_admin = self.model_admin.admin_site.get_model_admin(field.related_model)
        except NotRegistered:
            return None
        order = next(iter(related_admin.get_ordering(self.request)), None)
        return order if isinstance(order, str) else None

    def get_ordering(self, request, queryset):
        alone = super().get_ordering(request, queryset.order_by())
        if indexed_ordering(self.model, alone):
            return alone
        return super().get_ordering(request, queryset)

    def _get_deterministic_ordering(self, ordering):
        return indexed_ordering(self.model, ordering) or super()._get_deterministic_ordering(
            ordering
        )

    def sort_by_index(self, request):
        """Let the list be sorted by what an index has; if it is sorted otherwise, say so."""
        self.sortable_by = [
            column
            for column in self.list_display
            if indexed_ordering(self.model, [self.get_ordering_field(column)])
        ]
        if indexed_ordering(self.model, self.queryset.query.order_by):
            return
        if self.params.pop(main.ORDER_VAR, None):
            self.filter_params.pop(main.ORDER_VAR)
            message = _("So many rows are not sorted by this column. Filter or search first.")
            messages.warning(request, message)
        ordering = self.get_ordering(request, self.root_queryset.order_by())
        ordering = indexed_ordering(self.model, ordering) or ["-pk"]
        self.queryset = self.queryset.order_by(*ordering)

    @property
    def dated(self):
        """What the dates above the list are made of."""
        return Dates(self) if self.is_long else self

    # Rows ---------------------------------------------------------------------------

    def get_queryset(self, request, exclude_parameters=None):
        try:
            return super().get_queryset(request, exclude_parameters)
        except (OverflowError, ValueError) as error:
            # Django makes a date of any year in the address, and of the one after it.
            raise IncorrectLookupParameters(error) from error

    def get_results(self, request):
        try:
            self.count(request)
            self.read_page(request)
        except (DataError, OverflowError, ValueError, InvalidPage) as error:
            # The database refused a value of the address, such as a number too large.
            raise IncorrectLookupParameters(error) from error
        for column in self.list_display:
            if isinstance(column, RelatedCount):
                column.attach(request, self.model_admin, self.result_list)

    def count(self, request):
        self.result_count = self.full_result_count = self.count_of(request, self.queryset)
        self.show_full_result_count = self.model_admin.show_full_result_count
        is_narrowed = self.query or self.get_filters_params()
        if is_narrowed and self.show_full_result_count:
            self.full_result_count = self.whole_count
        self.is_long = not (self.full_result_count.is_exact and self.result_count.is_exact)
        self.show_admin_actions = bool(self.full_result_count)

    def count_of(self, request, queryset):
        count = self.model_admin.get_paginator(request, queryset, self.list_per_page).count
        return count if isinstance(count, Count) else Count(count)

    def read_page(self, request):
        count = self.result_count
        if not count.is_exact:
            self.sort_by_index(request)
        self.paginator = self.model_admin.get_paginator(
            request, self.queryset, self.list_per_page
        )
        self.paginator.count = count  # not counted again in another order
        # "1,000+" may be a million, however many a page takes.
        self.can_show_all = count.is_exact and count <= self.list_max_show_all
        self.multi_page = not count.is_exact or count > self.list_per_page
        if (self.show_all and self.can_show_all) or not self.multi_page:
            self.result_list = self.queryset.all()
        else:
            self.page_num = self.page_there()
            self.result_list = self.paginator.page(self.page_num).object_list

    def page_there(self):
        """The page of the address; the last, where others have deleted its rows."""
        if not self.result_count.is_exact:
            return self.page_num
        pages = self.paginator.num_pages
        from_the_end = max(pages + 1 + self.page_num, 1)
        return min(self.page_num if self.page_num >= 0 else from_the_end, pages)


class ListMixin:
    """For a ModelAdmin whose lists, choices and searches stay fast."""

    paginator = Paginator

    def get_changelist(self, request, **kwargs):
        return ChangeList

    def lookup_allowed(self, lookup, value, request):
        return not lookup.endswith(UNASKED) and super().lookup_allowed(lookup, value, request)

    def response_action(self, request, queryset):
        """Django's, which fails on a key that can be none."""
        request.POST = request.POST.copy()
        ticked = request.POST.getlist(helpers.ACTION_CHECKBOX_NAME)
        ticked = [key for key in ticked if is_key(self.opts, key)]
        request.POST.setlist(helpers.ACTION_CHECKBOX_NAME, ticked)
        return super().response_action(request, queryset)

    def get_ordering(self, request):
        ordering = super().get_ordering(request)
        return indexed_ordering(self.model, ordering) or ordering
