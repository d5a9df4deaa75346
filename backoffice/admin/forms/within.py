"""Forms of users with limits: nothing is saved where they could not see it.

Links to rows beyond their limits are neither shown nor changed, nor is their number told.
"""

from typing import Any

from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Model
from django.db.models.constants import LOOKUP_SEP
from django.http import HttpRequest
from django.utils.translation import gettext as _

from backoffice.admin.forms.seen import is_links
from backoffice.admin.pickers.horizontal import LinkChanges
from backoffice.admin.typing import FormBase, ModelAdminBase
from backoffice.filters.scopes import admits
from backoffice.history.historical_records import chunked
from backoffice.querysets.names import names
from backoffice.querysets.reach import Reach
from backoffice.querysets.relations import ManyToMany
from backoffice.querysets.scopes import (
    DECLARATION,
    SELF,
    is_scoped,
    limits_of,
    may_add,
    rows_at,
    within,
)

NAMED = 5  # records that a refusal names


class SeenLinksForm(FormBase):
    """A mixin for a ModelForm: its initial links are those that it offers."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            if is_links(field):
                rows: Any = field
                linked = self.get_initial_for_field(field, name) or ()
                keys = [getattr(row, "pk", row) for row in linked]
                seen = rows.queryset.order_by().filter(pk__in=keys) if keys else ()
                self.initial[name] = list(seen)


class WithinForm(SeenLinksForm):
    """A mixin for the ModelForm of a model with a `scope`."""

    viewer: Any = None

    def _post_clean(self) -> None:
        super()._post_clean()
        if self.errors:
            return
        path: str = getattr(self.instance, DECLARATION)
        limits, words = limits_of(self.viewer), {"name": self.instance._meta.verbose_name}
        if limits is None:
            return
        self.refuse_to_let_go(limits)
        if path == SELF:
            if not admits(limits, self.instance):
                text = _(
                    "With these values, you could not see this %(name)s: nothing was saved."
                )
                self.add_error(None, ValidationError(text, code="beyond", params=words))
            return
        first = path.partition(LOOKUP_SEP)[0]
        field, seen = rows_at(type(self.instance), path, limits)
        if field.many_to_many:
            stays = self.stays_linked(first, field, seen)
        else:
            key = getattr(self.instance, field.attname)
            stays = seen.filter(**{field.target_field.attname: key}).exists()
        if not stays:
            words["names"] = field.related_model._meta.verbose_name_plural
            text = _("Without one of your %(names)s, you could not see this %(name)s.")
            problem = ValidationError(text, code="beyond", params=words)
            self.add_error(first if first in self.fields else None, problem)

    def refuse_to_let_go(self, limits: Any) -> None:
        """Refuse to take away the last link by which the user sees a record."""
        sides = [*self.instance._meta.many_to_many, *self.instance._meta.related_objects]
        for relation in (ManyToMany.of(side) for side in sides if side.many_to_many):
            name = relation.accessor
            if self.instance._state.adding or name not in self.cleaned_data:
                continue
            chosen: Any = self.cleaned_data[name]
            if isinstance(chosen, LinkChanges):
                removed = set(chosen.removed)
            else:
                shown = {getattr(row, "pk", row) for row in self[name].initial or ()}
                removed = shown - {row.pk for row in chosen}
            if lost := let_go(relation, self.instance, removed, limits):
                reach = Reach.of(self.viewer)
                rows = relation.related_model._base_manager.filter(pk__in=lost[:NAMED])
                text = _(
                    "%(rows)s would lie outside what you are limited to: this is the last"
                    " link by which you see it. Leave it chosen."
                )
                said = ", ".join(f"“{each}”" for each in names(list(rows), reach))
                said += "…" if len(lost) > NAMED else ""
                self.add_error(
                    name, ValidationError(text, code="beyond", params={"rows": said})
                )

    def stays_linked(self, name: str, field: Any, seen: Any) -> bool:
        """Whether the record is linked to one of the rows `seen` when it is saved."""
        if name not in self.cleaned_data:
            return not self.instance._state.adding
        chosen: Any = self.cleaned_data[name]
        if not isinstance(chosen, LinkChanges):
            return bool(seen.filter(pk__in=[row.pk for row in chosen]).exists())
        if chosen.added:
            return True  # which the field offered
        links_field: Any = self.fields[name]
        links = links_field.links
        left = links.all.filter(**{f"{links.relation.target}__in": seen.values("pk")})
        return bool(left.exclude(**{f"{links.relation.target}__in": chosen.removed}).exists())


def limiting(model: type[Model], parent: str, user: Any) -> tuple[type[SeenLinksForm], ...]:
    """What keeps rows of an inline within the limits of a user; parent: their foreign key."""
    if not is_scoped(user):
        return ()
    path = getattr(model, DECLARATION, None) or ""
    # By their parent they lie where it does.
    is_asked = limits_apply(model, user) and path.partition(LOOKUP_SEP)[0] != parent
    return (WithinForm if is_asked else SeenLinksForm,)


class WithinMixin(ModelAdminBase):
    """For a ModelAdmin."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.may_bring_back(request) and may_add(self.model, request.user)

    def may_bring_back(self, request: HttpRequest) -> bool:
        """Whether the user may restore rows, which can lie within where new ones can't."""
        return super().has_add_permission(request)

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        form = super().get_form(request, obj, change=change, **kwargs)
        if not limits_apply(self.model, request.user):
            return form
        # Not by the metaclass, which would make the fields anew, without what was done to them.
        made: Any = type.__new__(
            type(form), form.__name__, (WithinForm, form), {"viewer": request.user}
        )
        return made

    def save_related(
        self, request: HttpRequest, form: Any, formsets: Any, change: bool
    ) -> None:
        """Whatever a form or a hook has saved: beyond one's limits, all of it is taken back."""
        super().save_related(request, form, formsets, change)
        if limits_apply(self.model, request.user):
            saved = self.model._base_manager.filter(pk=form.instance.pk)
            if not within(saved, request.user).exists():
                raise PermissionDenied


def let_go(relation: ManyToMany, row: Model, removed: Any, limits: Any) -> list[Any]:
    """Of the keys of records that `row` would lose, those that no other seen link keeps."""
    path = getattr(relation.related_model, DECLARATION, None)
    if not removed or not isinstance(path, str) or path == SELF:
        return []
    field, seen = rows_at(relation.related_model, path, limits)
    if not field.many_to_many or field.remote_field.through is not relation.through:
        return []
    links = relation.links.exclude(**{relation.source: row.pk})
    links = links.filter(**{f"{relation.source}__in": seen.values("pk")})
    kept: set[Any] = set()
    for chunk in chunked(removed):
        found = links.filter(**{f"{relation.target}__in": chunk})
        kept.update(found.values_list(relation.target, flat=True))
    return [key for key in removed if key not in kept]


def limits_apply(model: type[Model], user: Any) -> bool:
    return isinstance(getattr(model, DECLARATION, None), str) and is_scoped(user)
