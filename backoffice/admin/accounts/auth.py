"""Accounts and groups: nobody can grant, or gain, more permissions than they have.

Stock Django lets anyone who may change users make themselves a superuser. Here a user who
is not a superuser can't change an account or a group with more permissions than their own,
and can grant only permissions that they have.
"""

from typing import Any

from django.contrib import admin
from django.contrib.auth import admin as auth_admin
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, Permission
from django.db import router, transaction
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy, gettext_noop

from backoffice.admin.accounts.handover import HandOverMixin
from backoffice.admin.accounts.keepers import (
    AccountKeepers,
    PasswordForm,
    RoleKeepers,
    StaffMixin,
)
from backoffice.admin.accounts.limits import LimitsMixin
from backoffice.admin.accounts.proof import ProofMixin
from backoffice.admin.accounts.roles import (
    PermissionsField,
    RoleCardsMixin,
    RoleFilter,
    SentenceMixin,
)
from backoffice.admin.accounts.second_factor import SecondFactorMixin, hide_devices
from backoffice.admin.accounts.sessions import SessionPages
from backoffice.admin.base import PlainModelAdmin
from backoffice.admin.menu import ADMINISTRATION
from backoffice.admin.submissions.proof import demand_proof
from backoffice.querysets.scopes import declare, hidden

#: Django's name for accounts, for our catalogs: its Spanish, usuarios, is our word for patrons.
NAME = gettext_noop("users")


def grantable_permissions(user: Any) -> QuerySet[Permission]:
    """The permissions that `user` may grant."""
    if user.is_superuser:
        return Permission.objects.all()
    own = Permission.objects.filter(Q(user=user) | Q(group__user=user)).order_by()
    return Permission.objects.filter(pk__in=own.values("pk"))


def grantable_groups(user: Any) -> QuerySet[Group]:
    """The groups all of whose permissions `user` may grant."""
    beyond = Permission.objects.exclude(pk__in=grantable_permissions(user).values("pk"))
    return Group.objects.exclude(permissions__in=beyond.order_by())


class GrantMixin(ProofMixin):
    """Offers only what the user may grant, and protects rows that have more permissions."""

    def is_within(self, user: Any, obj: Any) -> bool:
        """Whether the account or group has no permission that the user lacks."""
        raise NotImplementedError

    grantable = {
        "groups": grantable_groups,
        "permissions": grantable_permissions,
        "user_permissions": grantable_permissions,
    }

    def formfield_for_manytomany(
        self, db_field: Any, request: Any = None, **kwargs: Any
    ) -> Any:
        if db_field.name in self.grantable:
            kwargs["queryset"] = self.grantable[db_field.name](request.user)
        if db_field.related_model is Permission:
            kwargs["form_class"] = PermissionsField
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        allowed = super().has_change_permission(request, obj)
        return allowed and (obj is None or self.is_within(request.user, obj))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        allowed = super().has_delete_permission(request, obj)
        return allowed and (obj is None or self.is_within(request.user, obj))


class GroupAdmin(
    GrantMixin, RoleKeepers, SentenceMixin, PlainModelAdmin, auth_admin.GroupAdmin
):
    menu_title = gettext_lazy("Roles")
    menu_group = ADMINISTRATION

    def is_within(self, user: Any, group: Any) -> bool:
        return user.is_superuser or grantable_groups(user).filter(pk=group.pk).exists()


class UserAdmin(
    GrantMixin,
    AccountKeepers,
    StaffMixin,
    RoleCardsMixin,
    SessionPages,
    SecondFactorMixin,
    LimitsMixin,
    HandOverMixin,
    PlainModelAdmin,
    auth_admin.UserAdmin[Any],
):
    list_display = (
        *auth_admin.UserAdmin.list_display,  # type: ignore[misc] # no variable of an instance
        "is_active",
        "last_login",
    )
    list_filter = ("is_staff", "is_superuser", "is_active", ("groups", RoleFilter))
    menu_group = ADMINISTRATION
    change_password_form = PasswordForm
    date_hierarchy = "date_joined"
    search_help_text = gettext_lazy("Username, name or e-mail address")

    def is_within(self, user: Any, account: Any) -> bool:
        if user.is_superuser:
            return True
        return not account.is_superuser and not (
            # Not by has_perm(), which denies an inactive account all: it can be activated.
            Permission.objects.filter(Q(user=account) | Q(group__user=account))
            .exclude(pk__in=grantable_permissions(user).values("pk"))
            .exists()
        )

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        fields = super().get_readonly_fields(request, obj)
        return fields if request.user.is_superuser else [*fields, "is_superuser"]

    def user_change_password(
        self, request: HttpRequest, id: str, form_url: str = ""
    ) -> HttpResponse:
        """Django's, which writes the whole account: nobody else does meanwhile.

        One's own as well: it asks for no old password.
        """
        demand_proof(request)
        with transaction.atomic(using=router.db_for_write(self.model)):
            if request.method == "POST":
                self.lock_record(request, id)
            return super().user_change_password(request, id, form_url)


# An account without limits gives more than a user with limits has.
declare(get_user_model(), hidden)
declare(Group, hidden)


def register_accounts(site: admin.AdminSite) -> None:
    """Replace Django's UserAdmin and GroupAdmin by those above.

    A ModelAdmin of the project's own stays.
    """
    hide_devices(site)
    for model, stock, ours in (
        (get_user_model(), auth_admin.UserAdmin, UserAdmin),
        (Group, auth_admin.GroupAdmin, GroupAdmin),
    ):
        if site.is_registered(model) and type(site.get_model_admin(model)) is stock:
            site.unregister(model)
            site.register(model, ours)
