"""Whom a page of the manual concerns, by what they may do."""

from collections.abc import Collection
from typing import Any

from django.contrib.auth import get_user_model

#: The rights that a page is about, by the beginnings of their names, or `accounts`: to change
#: accounts. `server`: for whoever runs the site, who is a superuser here. What is not named
#: concerns everybody.
CONCERNS: dict[str, tuple[str, ...]] = {
    "how-to/import-a-file": ("add_",),
    "how-to/review-an-import": ("add_",),
    "how-to/look-alikes": ("add_",),
    "how-to/import-profiles": ("add_",),
    "how-to/export": ("export_",),
    "how-to/edit-many": ("change_",),
    "how-to/undo": ("change_", "delete_"),
    "how-to/restore-what-was-deleted": ("view_historical",),
    "how-to/erase-a-person": ("erase_",),
    "how-to/limit-somebody-to-branches": ("accounts",),
    "how-to/give-a-role": ("accounts",),
    "explanation/roles": ("accounts",),
    "explanation/scopes": ("accounts",),
    "explanation/imports": ("add_",),
    "explanation/exports": ("export_",),
    "reference/errors": ("add_",),
    "how-to/feeds": ("server",),
    "how-to/deploy": ("server",),
    "how-to/back-up": ("server",),
    "how-to/watch": ("server",),
    "how-to/upgrade": ("server",),
    "how-to/several-machines": ("server",),
    "how-to/add-a-model": ("server",),
    "how-to/use-in-another-project": ("server",),
    "tutorial": ("server",),
    "reference/commands": ("server",),
    "reference/settings": ("server",),
    "explanation/architecture": ("server",),
    "explanation/libraries": ("server",),
    "explanation/security": ("server",),
    "explanation/lists": ("server",),
    "explanation/inlines": ("server",),
    "explanation/pickers": ("server",),
}


def concerns(name: str, user: Any) -> bool:
    """Whether the page is about something that the user may do."""
    rights = CONCERNS.get(name)
    if rights is None or getattr(user, "is_superuser", False):
        return True
    permissions: Collection[str] = user.get_all_permissions()
    opts = get_user_model()._meta
    accounts = f"{opts.app_label}.change_{opts.model_name}"
    held = {permission.partition(".")[2] for permission in permissions}
    return ("accounts" in rights and accounts in permissions) or any(
        codename.startswith(right) for right in rights for codename in held
    )
