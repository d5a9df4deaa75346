"""What others need of an account that is deleted is handed over to somebody else.

A model says what that is: its manager has `needed_without(owners)`, a queryset with
`hand_over(to)`. It is asked for every model with a foreign key to the accounts.
"""

from collections.abc import Iterator
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin.utils import model_ngettext
from django.contrib.auth import get_user_model
from django.db import router, transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from backoffice.admin.changes.deletion import DeletionMixin
from backoffice.admin.pickers.keys import KeyField
from backoffice.querysets.counts import Count

OFFERED = 200  # accounts of a list to choose from; of more, one is named
NAMED = 5


def needed(owners: QuerySet[Any]) -> Iterator[QuerySet[Any]]:
    """What others need of these accounts, by model, where there is something."""
    relations: list[Any] = [
        field
        for field in owners.model._meta.get_fields(include_hidden=True)
        if field.auto_created
    ]
    for model in dict.fromkeys(relation.related_model for relation in relations):
        if model and hasattr(model._default_manager, "needed_without"):
            rows = model._default_manager.needed_without(owners)
            if rows.exists():
                yield rows


def in_words(rows: QuerySet[Any]) -> str:
    """Their number, and the names of some."""
    number = rows.count()
    names = [str(row) for row in rows.order_by("pk")[:NAMED]]
    more = ", …" if number > NAMED else ""
    return f"{Count(number)} {model_ngettext(rows)}: {', '.join(names)}{more}"


class HandOverForm(forms.Form):
    """Who gets it: an account of staff that is active and stays."""

    hand_over_to = KeyField(
        queryset=get_user_model()._default_manager.none(),
        empty_label=None,
        label=gettext_lazy("Hand over to"),
    )

    def __init__(self, *args: Any, staff: QuerySet[Any], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["hand_over_to"]
        if len(staff[: OFFERED + 1].values_list("pk")) > OFFERED:
            field.to_field_name = staff.model.USERNAME_FIELD  # also what prepare_value shows
            field.widget = forms.TextInput(attrs={"class": "vTextField"})
        field.queryset = staff


class HandOverMixin(DeletionMixin):
    """For the ModelAdmin of accounts: deleting one says what is handed over, and to whom.

    It goes to whoever deletes the account. A superuser may choose somebody else.
    """

    def heir(self, request: HttpRequest, owners: QuerySet[Any]) -> Any:
        """Who gets it by default; None if nobody is left."""
        if not owners.filter(pk=request.user.pk).exists():
            return request.user
        left = self.model._default_manager.filter(is_active=True, is_superuser=True)
        return left.exclude(pk__in=owners.values("pk")).order_by("pk").first()

    def _form(self, request: HttpRequest, deleted: Any) -> HandOverForm | None:
        heir = self.heir(request, self._only(deleted))
        if not request.user.is_superuser or heir is None:
            return None
        staff = self.model._default_manager.filter(is_active=True, is_staff=True)
        staff = staff.exclude(pk=deleted.pk).order_by(self.model.USERNAME_FIELD)
        sent = request.POST if "hand_over_to" in request.POST else None
        return HandOverForm(sent, staff=staff, initial={"hand_over_to": heir})

    def _only(self, account: Any) -> QuerySet[Any]:
        found: QuerySet[Any] = self.model._default_manager.filter(pk=account.pk)
        return found

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Django's four values, without what is handed over."""
        owners = objs
        if isinstance(objs, list):
            owners = self.model._default_manager.filter(pk__in=[obj.pk for obj in objs])
        going, heir = list(needed(owners)), self.heir(request, owners)
        if not going or heir is None:
            return super().get_deleted_objects(objs, request)
        with transaction.atomic(using=router.db_for_write(self.model)):
            for rows in going:
                rows.hand_over(heir)  # type: ignore[attr-defined] # see above
            found = super().get_deleted_objects(objs, request)
            transaction.set_rollback(True, using=router.db_for_write(self.model))
        return found

    def _about(self, request: HttpRequest, owners: QuerySet[Any]) -> dict[str, Any]:
        heir = self.heir(request, owners)
        going = needed(owners) if heir else ()
        handed_over = [in_words(rows) for rows in going]
        return {"handed_over": handed_over, "heir": heir, "is_account": True}

    def render_delete_form(self, request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
        account = context["object"]
        context |= self._about(request, self._only(account))
        if context["handed_over"]:
            context["hand_over_form"] = self._form(request, account)
        return super().render_delete_form(request, context)

    def confirm_deletion(
        self, request: HttpRequest, queryset: QuerySet[Any], **context: Any
    ) -> HttpResponse:
        about = self._about(request, queryset)
        return super().confirm_deletion(request, queryset, **about, **context)

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if "hand_over_to" in request.POST:
            account = self.get_object(request, object_id)
            form = account and self._form(request, account)
            if form and not form.is_valid():
                problem = _("Nothing was deleted: choose an active account of staff.")
                messages.error(request, problem)
                return HttpResponseRedirect(request.get_full_path())
        return super().delete_view(request, object_id, extra_context)

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        form = self._form(request, obj)
        chosen = form.cleaned_data["hand_over_to"] if form and form.is_valid() else None
        with transaction.atomic(using=router.db_for_write(self.model)):
            self.hand_over(request, self._only(obj), chosen)
            super().delete_model(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> Any:
        with transaction.atomic(using=router.db_for_write(self.model)):
            self.hand_over(request, queryset)
            return super().delete_queryset(request, queryset)

    def hand_over(
        self, request: HttpRequest, owners: QuerySet[Any], chosen: Any = None
    ) -> None:
        """Hand over what others need of these accounts, and say and log that."""
        to = chosen or self.heir(request, owners)
        for rows in needed(owners) if to else ():
            message = _("Handed over to %(user)s: %(what)s")
            message %= {"what": in_words(rows), "user": to}
            rows.hand_over(to)  # type: ignore[attr-defined] # see above
            self.log_change(request, to, message)
            self.message_user(request, message, messages.INFO)
