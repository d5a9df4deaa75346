"""The page that erases a person: what would go, and a confirmation that is typed."""

from typing import Any

from django.contrib import messages
from django.contrib.admin.utils import unquote
from django.contrib.auth import get_permission_codename
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import path
from django.utils import formats, timezone
from django.utils.translation import gettext as _

from backoffice.admin.changes.deletion import one_line
from backoffice.admin.pages import framed, page_of
from backoffice.admin.submissions.proof import demand_proof
from backoffice.admin.typing import HistoryBase
from backoffice.erasure.erase import Erasure, NotErased, was_erased
from backoffice.erasure.personal import personal_fields
from backoffice.history.names import name_then
from backoffice.querysets.scopes import is_scoped
from backoffice.trail.record import address_of


class EraseMixin(HistoryBase):
    """For the ModelAdmin of a model with `personal` fields: the page `…/erase/`."""

    deleted_record: Any  # DeletedMixin's

    def get_urls(self) -> list[Any]:
        name = f"{self.opts.app_label}_{self.opts.model_name}_erase"
        view = self.admin_site.admin_view(self.erase_view)
        own = [path("<path:object_id>/erase/", view, name=name)]
        return [*(own if personal_fields(self.model) else []), *super().get_urls()]

    def has_erase_permission(self, request: HttpRequest) -> bool:
        """Require `erase_…`, and that to delete; not with limits: files have rows of all."""
        codename = get_permission_codename("erase", self.opts)
        return (
            bool(personal_fields(self.model))
            and request.user.has_perm(f"{self.opts.app_label}.{codename}")
            and self.has_delete_permission(request)
            and not is_scoped(request.user)
        )

    def erase_url(self, request: HttpRequest, object_id: str) -> str | None:
        """The page that erases a row; None for who may not."""
        if not self.has_erase_permission(request):
            return None
        return page_of(self.admin_site, self.model, "erase", unquote(object_id))

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        context = {"erase_url": self.erase_url(request, object_id)} | (extra_context or {})
        return super().change_view(request, object_id, form_url, context)

    def erase_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Show what would be erased; erase on POST, if the name was typed."""
        if not self.has_erase_permission(request):
            raise PermissionDenied
        if entry := self._erased(object_id):
            return self._say_erased(request, entry)
        pk, to_type = self._person(request, unquote(object_id))
        context: dict[str, Any] = {"to_type": to_type, "to": self._list()}
        if request.method == "POST":
            demand_proof(request)
        try:
            erasure = Erasure(self.model, pk)
            if request.method == "POST":
                if one_line(request.POST.get("confirmation", "")) == to_type:
                    return self._erase(request, erasure)
                context["not_confirmed"] = True
            erasure.check()
            context |= {"found": erasure.found(), "namesakes": erasure.namesakes()}
        except NotErased as error:
            context["problem"] = str(error)
        title = _("Erase a %s for ever") % self.opts.verbose_name
        template = "admin/backoffice/erase.html"
        return framed(self, request, template, {"title": title, **context})

    def _person(self, request: HttpRequest, object_id: str) -> tuple[Any, str]:
        """The key, and the name that is to be typed. Raises Http404."""
        obj = self.get_object(request, object_id)
        if obj is not None:
            return obj.pk, one_line(obj)
        record = self.deleted_record(request, object_id)
        if record is None:
            raise Http404
        return getattr(record, self.opts.pk.attname), one_line(name_then(record))

    def _erase(self, request: HttpRequest, erasure: Erasure) -> HttpResponse:
        erasure.run(user=request.user, address=address_of(request))
        text = _("The %s was erased: nothing here names them any more. Backups still do.")
        self.message_user(request, text % self.opts.verbose_name, messages.SUCCESS)
        return HttpResponseRedirect(self._list())

    # Afterwards -----------------------------------------------------------------------

    def _erased(self, object_id: str) -> Any:
        try:
            key = self.opts.pk.to_python(unquote(object_id))
        except ValidationError:
            return None
        there = self.model._base_manager.filter(pk=key).exists()
        return None if there else was_erased(self.model, key)

    def _get_obj_does_not_exist_redirect(
        self, request: HttpRequest, opts: Any, object_id: str
    ) -> HttpResponse:
        """Of a row that was erased, say that it can't come back; not to users with limits.

        It may have been of a library that they don't see.
        """
        may_know = personal_fields(self.model) and not is_scoped(request.user)
        entry = self._erased(object_id) if may_know else None
        if entry:
            return self._say_erased(request, entry)
        return super()._get_obj_does_not_exist_redirect(request, opts, object_id)

    def _say_erased(self, request: HttpRequest, entry: Any) -> HttpResponse:
        day = formats.date_format(timezone.localtime(entry.at), "DATE_FORMAT")
        text = _("This %(name)s was erased on %(day)s. Nothing is kept that could be restored.")
        text %= {"name": self.opts.verbose_name, "day": day}
        self.message_user(request, text, messages.WARNING)
        return HttpResponseRedirect(self._list())

    def _list(self) -> str:
        return page_of(self.admin_site, self.model, "changelist") or "../../"
