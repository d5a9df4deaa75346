"""Accounts and groups: nobody gives, or gets by them, more than they have themselves.

Stock Django lets whoever may change users make themselves a superuser. Here somebody who
is no superuser can't change an account or a group that may do more than they, and can
grant only permissions that they hold.
"""

from typing import Any

from django.contrib import admin
from django.contrib.auth import admin as auth_admin
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, Permission
from django.db.models import Q, QuerySet
from django.http import HttpRequest

from backoffice.admin.base import PlainModelAdmin
from backoffice.admin.typing import ModelAdminBase


def grantable_permissions(user: Any) -> QuerySet[Permission]:
    """The permissions that `user` may hand on: a queryset."""
    if user.is_superuser:
        return Permission.objects.all()
    own = Permission.objects.filter(Q(user=user) | Q(group__user=user)).order_by()
    return Permission.objects.filter(pk__in=own.values("pk"))


def grantable_groups(user: Any) -> QuerySet[Group]:
    """The groups whose every permission `user` may hand on: a queryset."""
    beyond = Permission.objects.exclude(pk__in=grantable_permissions(user).values("pk"))
    return Group.objects.exclude(permissions__in=beyond.order_by())


class GrantMixin(ModelAdminBase):
    """Offers only what the user may hand on, and guards the rows that hold more."""

    def is_within(self, user: Any, obj: Any) -> bool:
        """Whether the row holds no more than the user."""
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
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        allowed = super().has_change_permission(request, obj)
        return allowed and (obj is None or self.is_within(request.user, obj))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        allowed = super().has_delete_permission(request, obj)
        return allowed and (obj is None or self.is_within(request.user, obj))


class GroupAdmin(GrantMixin, PlainModelAdmin, auth_admin.GroupAdmin):
    def is_within(self, user: Any, group: Any) -> bool:
        return user.is_superuser or grantable_groups(user).filter(pk=group.pk).exists()


class UserAdmin(GrantMixin, PlainModelAdmin, auth_admin.UserAdmin[Any]):
    list_display = (
        *auth_admin.UserAdmin.list_display,  # type: ignore[misc] # no variable of an instance
        "is_active",
        "last_login",
    )
    date_hierarchy = "date_joined"
    search_help_text = "Username, name or e-mail address"

    def is_within(self, user: Any, account: Any) -> bool:
        if user.is_superuser:
            return True
        return not account.is_superuser and not (
            # Also while it is inactive: activating it is a change.
            Permission.objects.filter(Q(user=account) | Q(group__user=account))
            .exclude(pk__in=grantable_permissions(user).values("pk"))
            .exists()
        )

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        fields = super().get_readonly_fields(request, obj)
        return fields if request.user.is_superuser else [*fields, "is_superuser"]


def register_accounts(site: admin.AdminSite) -> None:
    """Put UserAdmin and GroupAdmin, by which nobody grants more than they have, for Django's.

    A ModelAdmin of the project's own stays.
    """
    for model, stock, ours in (
        (get_user_model(), auth_admin.UserAdmin, UserAdmin),
        (Group, auth_admin.GroupAdmin, GroupAdmin),
    ):
        if site.is_registered(model) and type(site.get_model_admin(model)) is stock:
            site.unregister(model)
            site.register(model, ours)
