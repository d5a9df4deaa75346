"""No right on what can't be limited: users with limits don't see it at all."""

from typing import Any

from django.apps import apps
from django.core.exceptions import PermissionDenied

from backoffice.querysets.scopes import is_declared, is_scoped


class RefusalBackend:
    """Refuses users with limits every permission on models that declare no `scope`.

    Django asks the backends in their order, and a refusal ends it. So this one comes first, and
    holds for any AdminSite, any ModelAdmin and any view that asks for a permission.
    """

    def authenticate(self, request: Any) -> None:
        """It signs nobody in."""

    def has_perm(self, user: Any, perm: str, obj: Any = None) -> bool:
        """Raises PermissionDenied, which `user.has_perm()` takes for a no."""
        model = model_of(perm)
        if model is not None and not is_declared(model) and is_scoped(user):
            raise PermissionDenied
        return False


def model_of(perm: str) -> Any:
    """The model that a permission such as `library.view_patron` is about; None if unknown.

    The rights on the history of a model are about that model.
    """
    app_label, _dot, codename = perm.partition(".")
    try:
        model: Any = apps.get_model(app_label, codename.partition("_")[2])
    except (LookupError, ValueError):
        return None
    return getattr(model, "instance_type", model)
