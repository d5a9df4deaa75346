"""Whoever changes what others may do proves first that it is they, by their password."""

from typing import Any

from django.http import HttpRequest

from backoffice.admin.submissions.proof import demand_proof
from backoffice.admin.typing import ModelAdminBase

#: What a new account or group can get at once that lets it do something.
RIGHTS = {"groups", "is_staff", "is_superuser", "permissions", "user_permissions"}
#: What can be changed in one without letting anybody do more, or sign in otherwise.
HARMLESS = {"date_joined", "first_name", "last_login", "last_name"}


class ProofMixin(ModelAdminBase):
    """For the ModelAdmins of accounts and groups."""

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        changed = set(form.changed_data)
        if changed - HARMLESS if change else changed & RIGHTS:
            demand_proof(request)
        super().save_model(request, obj, form, change)

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        demand_proof(request)
        super().delete_model(request, obj)
