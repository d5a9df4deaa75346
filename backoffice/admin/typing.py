"""The base classes of the mixins, for the type checker only; `object` at runtime."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.admin.options import InlineModelAdmin
from django.forms import ModelForm
from django.forms.models import BaseInlineFormSet
from django.http import HttpRequest, HttpResponse

if TYPE_CHECKING:
    ModelAdminBase = admin.ModelAdmin[Any]
    InlineBase = InlineModelAdmin[Any, Any]

    class GoneBase(admin.ModelAdmin[Any]):
        """Adds what the stubs lack."""

        def _changeform_view(
            self,
            request: HttpRequest,
            object_id: str | None,
            form_url: str,
            extra_context: dict[str, Any] | None,
        ) -> HttpResponse: ...

        def _create_formsets(
            self, request: HttpRequest, obj: Any, change: bool
        ) -> tuple[list[Any], list[Any]]: ...

        def _get_obj_does_not_exist_redirect(
            self, request: HttpRequest, opts: Any, object_id: str
        ) -> HttpResponse: ...

    class FormBase(ModelForm[Any]):
        """Adds what the stubs lack."""

        _bound_items: Any

        def _clean_fields(self) -> None: ...
        def _post_clean(self) -> None: ...
        def _save_m2m(self) -> None: ...

    class FormSetBase(BaseInlineFormSet[Any, Any, Any]):
        """Adds what the stubs lack."""

        model: Any
        queryset: Any

        def _construct_form(self, i: int, **kwargs: Any) -> Any: ...

    class HistoryBase(admin.ModelAdmin[Any]):
        """simple-history's ModelAdmin, which has no types."""

        object_history_form_template: str
        opts: Any
        has_change_history_permission: Any
        has_view_history_permission: Any
        has_view_history_or_change_history_permission: Any
        history_form_view_title: Any
        history_view_title: Any

        def render_history_view(
            self, request: HttpRequest, template: str, context: dict[str, Any]
        ) -> HttpResponse: ...

        def _get_obj_does_not_exist_redirect(
            self, request: HttpRequest, opts: Any, object_id: str
        ) -> HttpResponse: ...

        def revert_disabled(self, request: HttpRequest, obj: Any = None) -> bool: ...

    class ExportBase(admin.ModelAdmin[Any]):
        """django-import-export's ModelAdmin, which has no types."""

        def export_action(
            self, request: HttpRequest, *args: Any, **kwargs: Any
        ) -> HttpResponse: ...

else:
    ModelAdminBase = InlineBase = FormBase = FormSetBase = object
    HistoryBase = ExportBase = GoneBase = object
