"""What is said about a record names it with what tells it apart from its namesakes."""

from typing import Any

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse

from backoffice.admin.typing import ModelAdminBase
from backoffice.querysets.names import by_name, named
from backoffice.querysets.reach import Reach
from backoffice.trail.record import record, record_each


class NamedRecordMixin(ModelAdminBase):
    """For a ModelAdmin: its messages, its log entries and its titles tell namesakes apart.

    What is logged stands in the trail as well: Django's log goes with the account.
    """

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> Any:
        """Django's, with what `annotated_name` needs, by the same statement."""
        field: Any = self.opts.get_field(from_field) if from_field else self.opts.pk
        rows = named(self.get_queryset(request), Reach.of(request.user))
        try:
            return rows.get(**{field.name: field.to_python(object_id)})
        except (self.model.DoesNotExist, ValidationError, ValueError):
            return None

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        (named,) = by_name([obj], Reach.of(request.user))
        record("add", request=request, model=self.model, obj=named, message=message)
        return super().log_addition(request, named, message)

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        (named,) = by_name([obj], Reach.of(request.user))
        record("change", request=request, model=self.model, obj=named, message=message)
        return super().log_change(request, named, message)

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any:
        rows: Any = by_name(list(queryset), Reach.of(request.user))
        record_each("delete", rows, model=self.model, request=request)
        return super().log_deletions(request, rows)

    def response_add(
        self, request: HttpRequest, obj: Any, post_url_continue: str | None = None
    ) -> HttpResponse:
        return super().response_add(
            request, by_name([obj], Reach.of(request.user))[0], post_url_continue
        )

    def response_change(self, request: HttpRequest, obj: Any) -> HttpResponse:
        return super().response_change(request, by_name([obj], Reach.of(request.user))[0])
