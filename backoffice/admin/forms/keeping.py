"""Change forms that overwrite nothing: see `kept.py` for how a form compares.

The page carries what it showed in a hidden input, `_seen`. What is sent is put on the record
as it is by then, locked. If it is gone, `gone.py` gives back what was typed.
"""

from typing import Any

from django.contrib import messages
from django.contrib.admin.options import TO_FIELD_VAR
from django.contrib.admin.utils import unquote
from django.core import checks
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from backoffice.admin.forms.gone import GoneMixin
from backoffice.admin.forms.kept import KeptForm
from backoffice.admin.forms.locks import lock
from backoffice.admin.forms.relations import RelatedScopeMixin
from backoffice.admin.forms.seen import SEEN, read, sign, take


class RecordForm(KeptForm):
    """A mixin for the ModelForm of a ModelAdmin."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.is_bound and not self.instance._state.adding:
            self.compare(read(type(self.instance), self.data.get(SEEN, "")))

    @property
    def seen_text(self) -> str:
        """What the page shows."""
        return sign(type(self.instance), self.carried if self.is_bound else take(self))


class KeepMixin(GoneMixin, RelatedScopeMixin):
    """For a ModelAdmin."""

    def check(self, **kwargs: Any) -> list[Any]:
        """Refuse what would overwrite."""
        errors = super().check(**kwargs)
        if self.list_editable:
            text = "'list_editable' must be empty: a list would overwrite what others changed."
            errors.append(checks.Error(text, obj=self.__class__, id="backoffice.E060"))
        return errors

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        form = super().get_form(request, obj, change=change, **kwargs)
        if obj is None:
            return form
        # Not by the metaclass, which would make the fields anew, without what was done to them.
        made: Any = type.__new__(
            type(form), form.__name__, (RecordForm, form), {"viewer": request.user}
        )
        return made

    def _changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None,
        form_url: str,
        extra_context: dict[str, Any] | None,
    ) -> HttpResponse:
        if request.method == "POST" and object_id and "_saveasnew" not in request.POST:
            self.lock_record(request, object_id)
        return super()._changeform_view(request, object_id, form_url, extra_context)

    def lock_record(self, request: HttpRequest, object_id: str) -> None:
        name = request.POST.get(TO_FIELD_VAR, request.GET.get(TO_FIELD_VAR))
        if name and not self.to_field_allowed(request, name):
            return  # Django refuses it
        field: Any = self.opts.get_field(name) if name else self.opts.pk
        try:
            key = field.to_python(unquote(object_id))
        except ValidationError:
            return  # there is no such record
        lock(self.model, **{field.name: key})

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """Raises ImproperlyConfigured if `get_form` gave a form that would overwrite."""
        form = context["adminform"].form
        if kwargs.get("obj") is not None and not isinstance(form, RecordForm):
            raise ImproperlyConfigured(
                f"{type(self).__name__}.get_form() must return what super().get_form() makes"
                " of a form, which it takes as `form=`: another would overwrite what others"
                " changed."
            )
        if isinstance(form, RecordForm) and form.fields:
            context["seen"] = form.seen_text
            tell_of_left(self, request, form)
        return super().render_change_form(request, context, *args, **kwargs)

    def save_related(
        self, request: HttpRequest, form: Any, formsets: Any, change: bool
    ) -> None:
        super().save_related(request, form, formsets, change)
        if isinstance(form, RecordForm):
            tell_of_left(self, request, form)


def tell_of_left(model_admin: Any, request: HttpRequest, form: KeptForm) -> None:
    """Say what others changed meanwhile and this form left so."""
    if form.stored and form.left:
        text = _("Changed meanwhile, and left so: %s.") % "; ".join(form.left)
        model_admin.message_user(request, text, messages.WARNING)
