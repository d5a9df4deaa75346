"""What an account is limited to, on its page: rows picked one by one, and a filter."""

from functools import cached_property
from types import SimpleNamespace
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest
from django.utils.html import format_html
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from backoffice.admin.pickers.horizontal import LinkChanges, LinksField
from backoffice.admin.pickers.links import Links
from backoffice.admin.pickers.picker import PickerMixin
from backoffice.admin.typing import FormBase
from backoffice.filters.scopes import Scope, filterset_of, problem_of, usable
from backoffice.querysets.counts import Count
from backoffice.querysets.names import names
from backoffice.querysets.reach import EVERYTHING
from backoffice.querysets.scopes import among, scoped_model

LIMITED, ROWS, FILTER = "limited", "limited_to", "limited_by"  # the fields of the form
SHOWN = 20  # names


class NamedRows(Links):
    """The rows that an account is limited to by their keys, as a picker has them."""

    are_few = True

    def __init__(self, queryset: QuerySet[Any], account: Any) -> None:
        # Who has limits sees no accounts.
        self.queryset, self.obj, self.reach = queryset, account, EVERYTHING
        self.relation = SimpleNamespace(related_model=queryset.model)

    @cached_property
    def keys(self) -> list[Any]:
        scope = Scope.objects.filter(user=self.obj).first()
        return scope.known_keys if scope else []

    def to(self, pks: Any) -> QuerySet[Any]:
        rows: QuerySet[Any] = self.chosen().filter(pk__in=pks)
        return rows

    def targets(self, links: QuerySet[Any]) -> QuerySet[Any]:
        keys: QuerySet[Any] = links.values_list("pk", flat=True)
        return keys

    def count(self) -> int:
        return int(self.chosen().order_by().count())

    def change(self, **changes: Any) -> None:
        """The form saves them, together with the filter."""

    def chosen(self) -> Any:
        return self.ordered(self.queryset.filter(pk__in=among(self.keys, self.queryset.model)))

    def available(self) -> QuerySet[Any]:
        return self.ordered(self.queryset.exclude(pk__in=among(self.keys, self.queryset.model)))


class RowsField(LinksField):
    def clean(self, value: Any) -> Any:
        return super().clean(value) if value else LinkChanges([], [])


class LimitsForm(FormBase):
    """A mixin for the form of an account.

    What is sent without its fields leaves them alone. So does a page on which nobody touched
    them, whatever somebody else set meanwhile: the page carries what it showed.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.is_bound and f"{ROWS}-added" not in self.data:
            for name in (LIMITED, ROWS, FILTER):
                self.fields[name].disabled = True

    def meant(self, name: str, *others: str) -> Any:
        """What was sent, if the person changed one of these fields; else what is stored."""
        if {name, *others} & set(self.changed_data):
            return self.cleaned_data[name]
        return self.get_initial_for_field(self.fields[name], name)

    def clean_limited(self) -> bool:
        return bool(self.meant(LIMITED, ROWS, FILTER))

    def clean_limited_by(self) -> str:
        query: str = self.meant(FILTER).strip().removeprefix("?")
        if query and (problem := problem_of(filterset_of(query))):
            raise forms.ValidationError(problem)
        return query

    def clean(self) -> Any:
        cleaned = super().clean()
        changed, is_limited = set(self.changed_data), self.cleaned_data.get(LIMITED)
        query, rows = self.cleaned_data.get(FILTER), self.cleaned_data.get(ROWS)
        if is_limited and changed & {LIMITED, ROWS, FILTER}:
            if not (query or self.kept_keys() or self.errors):
                self.add_error(LIMITED, _("Choose at least one, or write a filter."))
        elif (query and FILTER in changed) or (rows and rows.added):
            self.add_error(LIMITED, _("Tick this, so that what you chose has an effect."))
        return cleaned

    def kept_keys(self) -> list[Any]:
        """The keys that the account is limited to once the form is saved."""
        scope = Scope.objects.filter(user=self.instance).first()
        keys = scope.known_keys if scope else []
        if changes := self.cleaned_data.get(ROWS):
            keys = [key for key in keys if key not in set(changes.removed)]
            keys += [key for key in changes.added if key not in set(keys)]
        return keys


def is_new(account: Any) -> bool:
    """Whether there is no account of which limits could be: the form adds one."""
    return account is None or account._state.adding


class LimitsMixin(PickerMixin):
    """For the ModelAdmin of accounts.

    Whoever may change an account sets what it is limited to, but nobody their own. Users with
    limits themselves have no right on accounts.
    """

    def limited_model(self, request: HttpRequest, obj: Any) -> Any:
        """The model whose rows this account can be limited to, by this user; else None."""
        model = scoped_model()
        if model is None or is_new(obj) or obj == request.user:
            return None
        if not self.has_change_permission(request, obj):
            return None
        if not self.admin_site.is_registered(model):
            return None
        model_admin = self.admin_site.get_model_admin(model)
        return model if model_admin.has_view_permission(request) else None

    def related_admin(self, name: str) -> Any:
        if name == ROWS and (model := scoped_model()):
            return self.admin_site.get_model_admin(model)
        return super().related_admin(name)

    def get_links(self, request: HttpRequest, name: str, object_id: str | None) -> Links:
        if name != ROWS:
            return super().get_links(request, name, object_id)
        account = self.get_object(request, object_id) if object_id else None
        if account is None:
            raise Http404
        if self.limited_model(request, account) is None:
            raise PermissionDenied
        return NamedRows(self.related_admin(ROWS).get_queryset(request), account)

    # The form -----------------------------------------------------------------------

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        fieldsets = list(super().get_fieldsets(request, obj))
        if is_new(obj) or scoped_model() is None:
            return fieldsets
        fields: tuple[str, ...] = ("limits",)
        if self.limited_model(request, obj):
            fields = (LIMITED, ROWS, FILTER)
        return [*fieldsets, (_("Limits"), {"fields": fields})]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        fields = list(super().get_readonly_fields(request, obj))
        is_shown = not is_new(obj) and scoped_model() is not None
        return [*fields, "limits"] if is_shown else fields

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        if model := self.limited_model(request, obj):
            base = kwargs.get("form", self.form)
            fields = self.limits_fields(request, obj, model)
            kwargs["form"] = type(base)(base.__name__, (LimitsForm, base), fields)
        return super().get_form(request, obj, change=change, **kwargs)

    def limits_fields(self, request: HttpRequest, obj: Any, model: Any) -> dict[str, Any]:
        scope = Scope.objects.filter(user=obj).first()
        plural = model._meta.verbose_name_plural
        links = NamedRows(self.related_admin(ROWS).get_queryset(request), obj)
        label = capfirst(plural)
        rows = self.links_field(request, ROWS, links, label=label, required=False)
        rows.__class__ = RowsField
        filterset = filterset_of("")
        return {
            LIMITED: forms.BooleanField(
                label=_("Limited to some %(names)s") % {"names": plural},
                help_text=_(
                    "The user then sees only these %(names)s and what belongs to them, on all"
                    " pages, in imports and in exports. Superusers are never limited."
                )
                % {"names": plural},
                initial=scope is not None,
                required=False,
                show_hidden_initial=True,
            ),
            ROWS: rows,
            FILTER: forms.CharField(
                label=_("And those that a filter finds"),
                help_text=format_html(
                    _("Such as %(example)s, from the address of a list. Names: %(names)s.")
                    % {"example": "<samp>{}</samp>", "names": "<samp>{}</samp>"},
                    "state=NY",
                    ", ".join(usable(filterset)),
                )
                if filterset
                else "",
                initial=scope.filter if scope else "",
                max_length=1000,
                required=False,
                show_hidden_initial=True,
                widget=forms.TextInput(attrs={"class": "vTextField"}),
                disabled=filterset is None,
            ),
        }

    @admin.display(description=gettext_lazy("limits"))
    def limits(self, account: Any) -> str:
        return described(account)

    def save_related(
        self, request: HttpRequest, form: Any, formsets: Any, change: bool
    ) -> None:
        super().save_related(request, form, formsets, change)
        if not {LIMITED, ROWS, FILTER} & set(form.changed_data):
            return
        account = form.instance
        if not form.cleaned_data[LIMITED]:
            Scope.objects.filter(user=account).delete()
            return
        keys = [key if isinstance(key, int) else str(key) for key in form.kept_keys()]
        values = {"keys": keys, "filter": form.cleaned_data[FILTER]}
        scope, _made = Scope.objects.update_or_create(user=account, defaults=values)
        model: Any = scoped_model()
        number = scope.rows(model._base_manager.all()).count()
        text = ngettext(
            "%(user)s is limited to %(number)s %(name)s now.",
            "%(user)s is limited to %(number)s %(names)s now.",
            number,
        )
        opts = model._meta
        words = {"name": opts.verbose_name, "names": opts.verbose_name_plural}
        messages.info(request, text % {"user": account, "number": Count(number), **words})


def described(account: Any) -> str:
    """What an account is limited to, in words."""
    scope, model = Scope.objects.filter(user=account).first(), scoped_model()
    if account.is_superuser or scope is None or model is None:
        return _("Not limited")
    rows = list(scope.rows(model._base_manager.all())[: SHOWN + 1])
    texts = names(rows[:SHOWN], EVERYTHING) + ["…"] * (len(rows) > SHOWN)
    if scope.filter:
        texts.append(_("those found by “%(filter)s”") % {"filter": scope.filter})
    return ", ".join(texts) or _("Nothing is left that the user may see")
