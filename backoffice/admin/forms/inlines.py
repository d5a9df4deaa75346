"""Inlines of any number of rows: paged, searchable, and safe for two editors at once.

The page and the search of an inline are in the URL of the form, under the prefix of its
formset: `?patron_set-p=2&patron_set-q=smith`. A submitted form finds its rows by their keys,
whatever page they are on by then, and carries the values they had when the page was made. So
an unchanged row is not written, and a row that somebody else changed or deleted in the
meantime is reported.
"""

from collections.abc import Iterator
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.exceptions import NotRegistered
from django.core import checks
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.db.models.expressions import DatabaseDefault
from django.forms import HiddenInput
from django.forms.formsets import DEFAULT_MAX_NUM, DELETION_FIELD_NAME
from django.forms.models import InlineForeignKeyField, ModelChoiceField, _get_foreign_key
from django.http import HttpRequest, HttpResponse
from django.utils.functional import cached_property
from django.utils.translation import gettext as _

from backoffice.admin.forms.choices import SharedChoices
from backoffice.admin.forms.keeping import tell_of_left
from backoffice.admin.forms.locks import lock
from backoffice.admin.forms.relations import RelatedScopeMixin
from backoffice.admin.forms.rows import Gone, RowForm
from backoffice.admin.forms.seen import initial_values, read, sign, take
from backoffice.admin.forms.within import limiting
from backoffice.admin.pickers.choices import NamedChoicesMixin
from backoffice.admin.typing import FormSetBase, InlineBase, ModelAdminBase

MAX_INPUTS = 400  # on a page of an inline; Django refuses a form of more than 1,000
MAX_QUERY = 200  # characters of a search


class TwoEndedPaginator(Paginator[Any]):
    """Reads pages of the second half from the end: the last is as fast as the first."""

    object_list: Any
    _get_page: Any  # Django's own hook, which the stubs lack

    def page(self, number: Any) -> Any:
        number = self.validate_number(number)
        start = (number - 1) * self.per_page
        end = min(start + self.per_page, self.count)
        if start > self.count // 2:
            rows = self.object_list.reverse()[self.count - end : self.count - start]
            return self._get_page(list(rows)[::-1], number, self)
        return self._get_page(list(self.object_list[start:end]), number, self)


class PagedRows(FormSetBase):
    """A mixin for a BaseInlineFormSet; `inline` and `request` are set on its class."""

    inline: Any
    request: HttpRequest
    model: Any
    queryset: Any
    _get_to_python: Any
    _pk_field: Any

    # The rows -----------------------------------------------------------------------

    def get_queryset(self) -> Any:
        """The rows of the page, or the submitted ones, in the order of their forms."""
        if not hasattr(self, "_queryset"):
            self._queryset = self.sent_rows() if self.is_bound else list(self.page)
            self.fit_limits()
        return self._queryset

    @cached_property
    def rows(self) -> QuerySet[Any]:
        """All rows of the parent that the user may see, in a stable order."""
        rows = self.with_links(self.queryset)
        return rows.order_by(*(rows.query.order_by or self.model._meta.ordering), "pk")

    def with_links(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        links = self.model._meta.many_to_many
        names = [field.name for field in links if field.name in self.form.base_fields]
        return rows.prefetch_related(*names)

    @cached_property
    def page(self) -> Any:
        rows = self.inline.search(self.request, self.rows, self.query)
        if self.fk.unique:
            rows = list(rows)  # at most one: needs no count
        paginator = TwoEndedPaginator(rows, self.inline.get_per_page(self.form))
        return paginator.get_page(self.request.GET.get(f"{self.prefix}-p"))

    def sent_rows(self) -> list[Any]:
        keys = [
            self.sent_key(i)
            for i in range(min(self.initial_form_count(), self.total_form_count()))
        ]
        known = [key for key in keys if key is not None]
        lock(self.model, pk__in=known)
        # By key only: given parent and key, SQLite would read all rows of the parent.
        rows = self.with_links(self.inline.get_queryset(self.request)).order_by()
        parent = self.fk.get_foreign_related_value(self.instance)
        self._object_dict = {
            row.pk: row
            for row in rows.filter(pk__in=known)
            if self.fk.get_local_related_value(row) == parent
        }
        return [self._object_dict.get(key) or self.gone_row(key) for key in keys]

    def sent_key(self, index: Any) -> Any:
        """The key in the form at `index`; None if no row can have it."""
        pk = self.model._meta.pk
        text = self.data.get(f"{self.add_prefix(index)}-{pk.name}")
        try:
            key = self._get_to_python(pk)(text)
            pk.run_validators(key)  # the range of the database's integers
        except ValidationError:
            return None
        return None if "\x00" in str(key) else key

    def gone_row(self, key: Any) -> Gone:
        taken = self.seen.get(str(key))
        return Gone(key, taken[0] if taken else f"{self.model._meta.verbose_name} {key}")

    def fit_limits(self) -> None:
        """Convert `min_num` and `max_num`, which count all rows, to those of the page."""
        has_most = 0 < self.max_num < DEFAULT_MAX_NUM
        if self.fk.unique or not (self.min_num or has_most):
            return
        here = len(self._queryset)
        others = self.rows.count() - here
        self.min_num = max(self.min_num - others, 0)
        if has_most:
            self.max_num = max(self.max_num - others, here)

    # The forms ----------------------------------------------------------------------

    @cached_property
    def choices(self) -> Any:
        """The choices of related rows, by the name of the field."""
        return {}

    @cached_property
    def seen(self) -> dict[str, Any]:
        """What the page showed of the rows, by key as text."""
        return read(self.model, self.data.get(f"{self.prefix}-SEEN", "")) or {}

    @property
    def seen_text(self) -> str:
        if not self.is_bound:
            seen = {str(form.instance.pk): take(form) for form in self.initial_forms}
        else:
            seen = {str(form.row.pk): form.carried for form in self.initial_forms}
        return sign(self.model, seen)

    def _construct_form(self, i: int, **kwargs: Any) -> Any:
        if not self.is_bound or i >= self.initial_form_count():
            return super()._construct_form(i, **kwargs)
        row = self.get_queryset()[i]
        seen = self.seen.get(str(row.pk))
        if seen and isinstance(row, Gone):
            kwargs["initial"] = initial_values(self.model, seen)
        form = super()._construct_form(i, **kwargs)
        form.bind_row(row, seen)
        return form

    def add_fields(self, form: Any, index: Any) -> None:
        super().add_fields(form, index)
        for name, value in form.initial.items():
            if isinstance(value, DatabaseDefault):
                form.initial[name] = None  # so that an empty input is no change
        key = self._pk_field.name
        for name, field in form.fields.items():
            if not isinstance(field, ModelChoiceField):
                continue
            if name != key:
                queryset: Any = field.queryset
                shared = SharedChoices(self, name, queryset)
                self.choices.setdefault(name, shared).attach(field)
            elif isinstance(field.widget, HiddenInput) and not form.instance._state.adding:
                # The form's own row is the only choice: nothing to look up.
                form.fields[name] = InlineForeignKeyField(form.instance, pk_field=True)

    def clean(self) -> None:
        super().clean()
        if any(map(self.is_dropped, self.forms)):
            names = self.model._meta.verbose_name_plural
            raise ValidationError(
                _("You may not write these %s: clear what you typed to save the rest.") % names
            )

    def is_dropped(self, form: Any) -> bool:
        """Whether something was typed that Django would leave out, for want of a permission."""
        typed = {name for name in form.changed_data if form.add_prefix(name) in self.data}
        return not form.has_changed() and bool(typed - {DELETION_FIELD_NAME})

    def gone_rows(self) -> list[Gone]:
        return [row for row in self.get_queryset() if isinstance(row, Gone)]

    # The page -----------------------------------------------------------------------

    @cached_property
    def query(self) -> str:
        """The search term."""
        if not self.inline.get_search_fields(self.request):
            return ""
        query = self.request.GET.get(f"{self.prefix}-q", "")
        return query.replace("\x00", "").strip()[:MAX_QUERY]

    @property
    def is_paged(self) -> bool:
        return bool(self.query) or self.page.has_other_pages()

    @property
    def is_searchable(self) -> bool:
        return self.is_paged and bool(self.inline.get_search_fields(self.request))

    def get_address(self, **changes: Any) -> str:
        """The URL of this form with another page or search."""
        params = self.request.GET.copy()
        for name, value in changes.items():
            params.pop(f"{self.prefix}-{name}", None)
            if value:
                params[f"{self.prefix}-{name}"] = value
        return f"?{params.urlencode()}#{self.prefix}-rows"

    def page_links(self) -> Iterator[Any]:
        """`(number or ellipsis, URL)` of pages; the URL is False where there is no link."""
        paginator = self.page.paginator
        for number in paginator.get_elided_page_range(
            self.page.number, on_each_side=2, on_ends=1
        ):
            is_link = number not in (paginator.ELLIPSIS, self.page.number)
            yield number, is_link and self.get_address(p=number)

    def previous_address(self) -> str | bool:
        return self.page.has_previous() and self.get_address(p=self.page.number - 1)

    def next_address(self) -> str | bool:
        return self.page.has_next() and self.get_address(p=self.page.number + 1)

    def all_address(self) -> str:
        return self.get_address(p=None, q=None)

    def other_params(self) -> Iterator[Any]:
        """`(name, value)` pairs of the URL that a search keeps."""
        own = (f"{self.prefix}-p", f"{self.prefix}-q")
        for name, values in self.request.GET.lists():
            if name not in own:
                yield from ((name, value) for value in values)


class PagedInlineMixin(NamedChoicesMixin, RelatedScopeMixin, InlineBase):
    """For an inline: pages of `per_page` rows, and a search if there is more than one page.

    The rows and their order come from the related ModelAdmin's `get_queryset`. The search
    uses its `search_fields`, unless the inline has its own.
    """

    per_page = 25  # at most; fewer if a row has many fields
    search_fields = ()
    template = "admin/backoffice/paged_inline.html"
    rows_template: str | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.parent_field.unique:  # also where nothing may be added, and none is there
            self.verbose_name_plural = self.verbose_name

    @cached_property
    def related_admin(self) -> Any:
        try:
            return self.admin_site.get_model_admin(self.model)
        except NotRegistered:
            return None

    @cached_property
    def parent_field(self) -> Any:
        return _get_foreign_key(self.parent_model, self.model, fk_name=self.fk_name)

    def get_per_page(self, form: Any) -> int:
        inputs = len(form.base_fields) + 3  # keys of row and parent, checkbox to delete
        return max(min(self.per_page, MAX_INPUTS // inputs), 1)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows = super().get_queryset(request)
        if self.related_admin and self.has_view_or_change_permission(request):
            rows = self.related_admin.get_queryset(request)
            if ordering := self.get_ordering(request):
                rows = rows.order_by(*ordering)
        return rows

    def get_search_fields(self, request: HttpRequest) -> Any:
        if self.search_fields or not self.related_admin:
            return self.search_fields
        # Fields of the parent have the same value in all of its rows: don't search them.
        parent = f"{self.parent_field.name}__"
        return [
            name
            for name in self.related_admin.get_search_fields(request)
            if not name.lstrip("^=@").startswith(parent)
        ]

    def get_autocomplete_fields(self, request: HttpRequest) -> list[str]:
        """Add every choice whose model can be searched: a select would list all its choices
        in each row of the page."""
        declared = super().get_autocomplete_fields(request)
        others = {*declared, *self.raw_id_fields, *self.radio_fields, self.parent_field.name}
        others |= {*self.filter_horizontal, *self.filter_vertical}
        return [
            *declared,
            *(
                field.name
                for field in (*self.opts.fields, *self.opts.many_to_many)
                if field.remote_field
                and field.name not in others
                and self.is_searched(field.related_model, request)
            ),
        ]

    def is_searched(self, model: Any, request: HttpRequest) -> bool:
        if not self.admin_site.is_registered(model):
            return False
        return bool(self.admin_site.get_model_admin(model).get_search_fields(request))

    get_search_results = admin.ModelAdmin.get_search_results

    def search(self, request: HttpRequest, rows: QuerySet[Any], query: str) -> Any:
        if not query:
            return rows
        found, may_repeat = self.get_search_results(request, rows, query)
        return rows.filter(pk__in=found.order_by().values("pk")) if may_repeat else found

    def get_formset(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        form = kwargs.pop("form", self.form)
        mixins = (RowForm, *limiting(self.model, self.parent_field.name, request.user))
        form = type(form)(form.__name__, (*mixins, form), {"viewer": request.user})
        formset = super().get_formset(request, obj, form=form, **kwargs)
        attributes: dict[str, Any] = {"inline": self, "request": request}
        if not self.has_add_permission(request, obj):
            attributes["max_num"] = 0  # Django makes it 1 where the key is unique
        return type(formset.__name__, (PagedRows, formset), attributes)


class PagedInlinesMixin(ModelAdminBase):
    """For a ModelAdmin with paged inlines."""

    def check(self, **kwargs: Any) -> list[Any]:
        """Refuse inlines that would overwrite."""
        errors = super().check(**kwargs)
        for inline in self.inlines:
            if isinstance(inline, type) and not issubclass(inline, PagedInlineMixin):
                text = f"The inline {inline.__name__} must be one of backoffice.admin.base."
                errors.append(checks.Error(text, obj=self.__class__, id="backoffice.E061"))
        return errors

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        if request.GET and not form_url:
            # Django would keep the list's filters, but drop the pages of the inlines.
            form_url = request.get_full_path()
        return super().changeform_view(request, object_id, form_url, extra_context)

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        super().save_formset(request, form, formset, change)
        if not isinstance(formset, PagedRows):
            return
        if gone := formset.gone_rows():
            message = _("Somebody else had deleted or moved meanwhile: %s.")
            self.message_user(request, message % ", ".join(map(str, gone)), messages.WARNING)
        for row in formset.initial_forms:
            if row.stored and row.has_changed():
                tell_of_left(self, request, row)
