"""The pages of accounts and roles: nobody is locked out, and giving up rights is asked."""

import hashlib
from collections.abc import Iterable
from typing import Any

from django.contrib import messages
from django.contrib.auth.forms import AdminPasswordChangeForm
from django.contrib.auth.models import Permission
from django.db import router
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from backoffice import keepers
from backoffice.admin.accounts.roles import in_words
from backoffice.admin.changes.deletion import DeletionMixin
from backoffice.admin.typing import FormBase, ModelAdminBase

CONFIRMED = "give-up"  # the input that says so


class KeepersForm(FormBase):
    """A mixin for the form of an account or a role that is there already."""

    viewer: Any

    def locks_out(self, using: str) -> set[str]:
        """Which kinds of `keepers` would have nobody left."""
        raise NotImplementedError

    def given_up(self) -> list[str]:
        """What the user would lose by it, in words."""
        raise NotImplementedError

    def _post_clean(self) -> None:
        super()._post_clean()
        if self.errors:
            return
        using = router.db_for_write(type(self.instance))
        keepers.lock(using)
        if said := keepers.problem(self.locks_out(using)):
            self.add_error(None, said)
        elif lines := self.given_up():
            value = hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]
            if self.data.get(CONFIRMED) != value:
                self.add_error(None, question(lines, value))


def question(lines: list[str], value: str) -> SafeString:
    """Asks whether the user means to give up what the lines say."""
    return format_html(
        '{} <span class="give-up">{}<label><input type="checkbox" name="{}" value="{}"> {}'
        "</label></span>",
        _("These are rights of your own. Nothing is saved yet. You would give up:"),
        format_html_join("", "<span>{}</span>", ((line,) for line in lines)),
        CONFIRMED,
        value,
        _("Yes, I give them up"),
    )


class AccountForm(KeepersForm):
    def _post_clean(self) -> None:
        """A role is for staff: whoever gets one is staff."""
        self.becomes_staff = False
        if "groups" in self.changed_data and not self.errors:
            added = set(self.rows("groups")) - set(self.instance.groups.all())
            if added and not self.cleaned_data.get("is_staff", self.instance.is_staff):
                self.becomes_staff = self.cleaned_data["is_staff"] = True
                self.instance.is_staff = True
        super()._post_clean()
        if self.becomes_staff:
            self.instance.is_staff = True

    def rows(self, name: str) -> Iterable[Any]:
        """The roles or the permissions that the account is to have."""
        chosen: Iterable[Any] = self.cleaned_data.get(name, getattr(self.instance, name).all())
        return chosen

    def rights(self) -> QuerySet[Permission]:
        """The permissions that the account is to have, by itself or by a role."""
        own = [row.pk for row in self.rows("user_permissions")]
        groups = [row.pk for row in self.rows("groups")]
        return Permission.objects.filter(Q(pk__in=own) | Q(group__in=groups)).distinct()

    def locks_out(self, using: str) -> set[str]:
        row = self.instance
        if all(getattr(row, flag) for flag in keepers.FLAGS):
            return set()
        kinds = keepers.lost(using, {type(row): Q(pk=row.pk)})
        if kinds and row.is_active and row.is_staff:
            rights = self.rights().using(using)
            if all(rights.filter(pk__in=one).exists() for one in keepers.needed(using)):
                kinds -= {keepers.MANAGER}
        return kinds

    def given_up(self) -> list[str]:
        row, viewer = self.instance, self.viewer
        if row.pk != viewer.pk:
            return []
        if not (row.is_active and row.is_staff):
            return [_("You could not sign in here any more.")]
        if row.is_superuser:
            return []
        after = self.rights()
        if viewer.is_superuser:
            said = _("You would no longer be a superuser, who may do everything. Left to you:")
            return [said, *(in_words(after) or [_("nothing")])]
        before = Permission.objects.filter(Q(user=viewer) | Q(group__user=viewer)).distinct()
        return in_words(before.exclude(pk__in=after.values("pk")))


class PasswordForm(AdminPasswordChangeForm):  # type: ignore[type-arg] # it takes none
    """Django's, which leaves somebody who keeps the house a password."""

    def clean(self) -> Any:
        cleaned = super().clean()
        if not self.cleaned_data["set_usable_password"] and keepers.has_keepers():
            using = router.db_for_write(type(self.user))
            keepers.lock(using)
            if keepers.has_last_password(using, self.user):
                text = _(
                    "Nobody else who could look after the accounts has a password. Give"
                    " somebody one first: single sign-on may fail."
                )
                self.add_error("usable_password", text)
        return cleaned


class RoleForm(KeepersForm):
    def taken_away(self) -> QuerySet[Permission]:
        present: QuerySet[Permission] = self.instance.permissions.all()
        kept = [row.pk for row in self.cleaned_data.get("permissions", present)]
        return present.exclude(pk__in=kept)

    def locks_out(self, using: str) -> set[str]:
        taken = self.taken_away()
        if not taken.exists():
            return set()
        through = type(self.instance).permissions.through
        return keepers.lost(using, {through: Q(group=self.instance.pk, permission__in=taken)})

    def given_up(self) -> list[str]:
        row, viewer = self.instance, self.viewer
        if viewer.is_superuser or not viewer.groups.filter(pk=row.pk).exists():
            return []
        others = viewer.groups.exclude(pk=row.pk)
        return in_words(without(self.taken_away(), viewer, others))


def without(permissions: QuerySet[Permission], user: Any, groups: Any) -> QuerySet[Permission]:
    """Those that the user has neither by any of the groups nor by the account itself."""
    left = Permission.objects.filter(Q(user=user) | Q(group__in=groups))
    return permissions.exclude(pk__in=left.values("pk"))


class KeepersMixin(DeletionMixin):
    """For the ModelAdmin of accounts, and that of roles."""

    keepers_form: type[KeepersForm]

    def given_up_with(self, user: Any, rows: QuerySet[Any]) -> list[str]:
        """What the user would lose if these rows were deleted, in words."""
        raise NotImplementedError

    def render_delete_form(self, request: HttpRequest, context: dict[str, Any]) -> Any:
        rows = self.model._base_manager.filter(pk=context["object"].pk)
        context["given_up"] = self.given_up_with(request.user, rows)
        return super().render_delete_form(request, context)

    def confirm_deletion(
        self, request: HttpRequest, queryset: QuerySet[Any], **context: Any
    ) -> Any:
        given_up = self.given_up_with(request.user, queryset)
        return super().confirm_deletion(request, queryset, given_up=given_up, **context)

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        form = super().get_form(request, obj, change=change, **kwargs)
        if obj is None or not keepers.has_keepers():
            return form
        # As `KeepMixin` does: the metaclass would make the fields anew.
        made: Any = type.__new__(type(form), form.__name__, (self.keepers_form, form), {})
        return made


class AccountKeepers(KeepersMixin):
    """For the ModelAdmin of accounts."""

    keepers_form = AccountForm

    def given_up_with(self, user: Any, rows: QuerySet[Any]) -> list[str]:
        is_own = rows.filter(pk=user.pk).exists()
        return [_("You could not sign in here any more.")] if is_own else []


class RoleKeepers(KeepersMixin):
    """For the ModelAdmin of roles."""

    keepers_form = RoleForm

    def given_up_with(self, user: Any, rows: QuerySet[Any]) -> list[str]:
        own = user.groups.filter(pk__in=rows.values("pk"))
        if user.is_superuser or not own.exists():
            return []
        others = user.groups.exclude(pk__in=own)
        going = Permission.objects.filter(group__in=own).distinct()
        return in_words(without(going, user, others))


class StaffMixin(ModelAdminBase):
    """For the ModelAdmin of accounts: says what becomes of staff with the roles."""

    def save_related(
        self, request: HttpRequest, form: Any, formsets: Any, change: bool
    ) -> None:
        had = change and form.instance.groups.exists()
        super().save_related(request, form, formsets, change)
        if not isinstance(form, AccountForm):
            return
        row = form.instance
        has, said = row.groups.exists(), ""
        if form.becomes_staff:
            said = _(
                "“%(name)s” is staff now: a role is of no use to whoever can't sign in here."
            )
        elif has and not row.is_staff:
            said = _(
                "“%(name)s” has a role, but can't sign in here: tick “Staff status” for that."
            )
        elif had and not has and row.is_staff and not row.is_superuser:
            said = _(
                "“%(name)s” has no role any more, and is still staff: can sign in, and may do"
                " only what the permissions of the account allow. Take “Staff status” away if"
                " that is not meant."
            )
        if said:
            self.message_user(request, said % {"name": row}, messages.WARNING)
