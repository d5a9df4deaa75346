"""The history of a row in the admin: who changed what and when, and how to revert it."""

from typing import Any

from django.contrib import messages
from django.contrib.admin import helpers
from django.contrib.admin.utils import model_ngettext, unquote
from django.contrib.auth import get_user_model
from django.core.exceptions import NON_FIELD_ERRORS, PermissionDenied, ValidationError
from django.db import router, transaction
from django.db.models import QuerySet
from django.forms.models import modelform_factory
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import formats, timezone
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from backoffice.admin.history.diffs import RecordDiffs
from backoffice.admin.pickers.links import Links
from backoffice.admin.typing import HistoryBase
from backoffice.history.links import recorded_links
from backoffice.querysets.names import Named, annotated_name
from backoffice.querysets.relations import ManyToMany


class HistoryMixin(HistoryBase):
    """django-simple-history's pages for a SimpleHistoryAdmin, with their gaps closed.

    Upstream 3.13 shows and reverts rows outside the ModelAdmin's `get_queryset`, reverts
    for users who may only view, compares within a page only, and asks the database for
    each record's links. All who may view the model can see the history of a deleted row, even
    if `get_queryset` had hidden the row: it can't be asked about a row that is gone.
    Reverting needs the permissions to add and change, and restores the row. Names of related
    rows are shown to all users, as part of the record.
    """

    # Upstream's template has an inline style and makes a narrow page scroll sideways.
    object_history_list_template = "admin/backoffice/history_list.html"
    history_list_per_page = 25  # each is compared with the previous one, links included

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        obj = self.get_object(request, unquote(object_id))
        if obj is None:
            obj = self.deleted_object(request, unquote(object_id))
            if obj is None:
                return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        title = self.history_view_title(request, Named(obj, annotated_name(obj)))
        extra_context = {"title": title} | (extra_context or {})
        if not self.may_view_users(request):
            # Without a view's name, the template shows users' names without links.
            extra_context = {"admin_user_view": ""} | extra_context
        return super().history_view(request, object_id, extra_context)

    def may_view_users(self, request: HttpRequest) -> bool:
        opts = get_user_model()._meta
        return request.user.has_perm(f"{opts.app_label}.view_{opts.model_name}") or (
            request.user.has_perm(f"{opts.app_label}.change_{opts.model_name}")
        )

    def get_history_queryset(
        self, request: HttpRequest, history_manager: Any, pk_name: str, object_id: str
    ) -> QuerySet[Any]:
        records: QuerySet[Any] = history_manager.filter(**{pk_name: object_id})
        return records.select_related("history_user")

    def set_history_delta_changes(
        self, request: HttpRequest, page: Any, foreign_keys_are_objs: bool = True
    ) -> None:
        records = list(page)
        end = page.end_index()
        # Compare the oldest record on the page with the newest one on the next page.
        older = list(page.paginator.object_list[end : end + 1])
        if not records:
            return
        diffs = RecordDiffs(records + older, empty=self.get_empty_value_display())
        for new, old in zip(records, records[1:] + older, strict=False):
            if new.history_type != "-":
                new.history_delta_changes = diffs.changes(new, old)

    # One version --------------------------------------------------------------------

    @property
    def history_manager(self) -> Any:
        return getattr(self.model, self.opts.simple_history_manager_attribute)

    def deleted_object(self, request: HttpRequest, object_id: str) -> Any:
        """The last version of a deleted row; None if there is none, or the row exists."""
        try:
            pk = self.opts.pk.to_python(object_id)
        except ValidationError:
            return None
        if self.model._base_manager.filter(pk=pk).exists():
            return None  # the row exists, but this user can't see it
        record = self.history_manager.filter(**{self.opts.pk.attname: pk}).first()
        return record and record.instance

    def get_record(
        self, request: HttpRequest, object_id: str, version_id: str
    ) -> tuple[Any, Any]:
        """`(record, present object or None)`; raises Http404 and PermissionDenied."""
        present = self.get_object(request, unquote(object_id))
        known = present or self.deleted_object(request, unquote(object_id))
        if known is None:
            raise Http404
        if not self.has_view_history_or_change_history_permission(request, known):
            raise PermissionDenied
        try:
            version = self.history_manager.model._meta.pk.to_python(unquote(version_id))
        except ValidationError as error:
            raise Http404 from error
        records = self.history_manager.filter(**{self.opts.pk.attname: known.pk})
        record = records.filter(pk=version).first()
        if record is None:
            raise Http404
        return record, present

    def revert_disabled(self, request: HttpRequest, obj: Any = None) -> bool:
        if super().revert_disabled(request, obj):
            return True
        if not self.has_change_history_permission(request, obj):
            return True
        deleted = obj is not None and hasattr(obj, "_history")
        return deleted and not self.has_add_permission(request)

    def history_form_view(
        self,
        request: HttpRequest,
        object_id: str,
        version_id: str,
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        request.current_app = self.admin_site.name
        record, present = self.get_record(request, object_id, version_id)
        then = record.instance
        if request.method == "POST":
            if self.revert_disabled(request, present or then):
                raise PermissionDenied
            try:
                then = self.revert(request, record, present)
            except ValidationError as error:
                self.message_user(request, self.revert_error(error), messages.ERROR)
            else:
                message = _("The %(name)s “%(row)s” was changed successfully.")
                message %= {"name": self.opts.verbose_name, "row": then}
                self.message_user(request, message, messages.SUCCESS)
                return self.response_post_save_change(request, then)
        context = self.version_context(request, record, present)
        return self.render_history_view(
            request, self.object_history_form_template, context | (extra_context or {})
        )

    def revert(self, request: HttpRequest, record: Any, present: Any) -> Any:
        """Restore the version in `record`; this writes one new history record, by the user.

        Raises ValidationError if that version is no longer valid.
        """
        then = record.instance
        then._state.adding = present is None
        then.full_clean()
        self.refuse_unseen(request, then, present)
        then._history_user = request.user
        date = formats.date_format(timezone.localtime(record.history_date), "DATETIME_FORMAT")
        then._change_reason = (_("Reverted to the version of %s") % date)[:100]
        links = {field: recorded_links([record], field)[record.pk] for field in self.m2m_fields}
        with transaction.atomic(using=router.db_for_write(self.model)):
            if present is None:
                self.save_model(request, then, form=None, change=True)
                self.set_links(request, then, links)
            else:
                # Links first, without a record: the record of the save then has them too.
                present.skip_history_when_saving = True
                self.set_links(request, present, links)
                self.save_model(request, then, form=None, change=True)
            # The date may end in "p.m.", which ends the sentence as well.
            self.log_change(request, then, then._change_reason.rstrip(".") + ".")
        return then

    @property
    def m2m_fields(self) -> Any:
        return self.history_manager.model._history_m2m_fields

    def choices_of(self, request: HttpRequest, field: Any) -> Any:
        """The rows that a form offers for `field`."""
        rows = self.get_field_queryset(None, field, request)
        return field.related_model._default_manager.all() if rows is None else rows

    def refuse_unseen(self, request: HttpRequest, then: Any, present: Any) -> None:
        """Raise ValidationError if `then` refers to a row that a form would not offer."""
        for field in self.opts.concrete_fields:
            key = getattr(then, field.attname)
            if not field.remote_field or field.primary_key or key is None:
                continue
            if present is not None and key == getattr(present, field.attname):
                continue
            found = {field.target_field.attname: key}
            if not self.choices_of(request, field).filter(**found).exists():
                names = field.related_model._meta.verbose_name_plural
                problem = _(
                    "It was one of the %s that you may not choose. Change the record instead."
                )
                raise ValidationError({field.name: problem % names})

    def set_links(self, request: HttpRequest, obj: Any, links: Any) -> None:
        """Set the links to those in `links`; links that the user can't see stay."""
        for field, keys in links.items():
            # Not through `obj`: its prefetched links may be those of the old version.
            fresh = self.model._base_manager.get(pk=obj.pk)
            if hasattr(obj, "skip_history_when_saving"):
                fresh.skip_history_when_saving = True
            fresh._history_user = request.user
            present = Links(ManyToMany.forward(field), self.choices_of(request, field), fresh)
            linked = set(present.targets(present.all))
            seen = present.visible([*keys, *linked])
            chosen = seen.intersection(keys) | (linked - seen)
            getattr(fresh, field.name).set(chosen)
            if lost := len(set(keys) - chosen):
                message = ngettext(
                    "%(number)d %(names)s was left out, because it no longer exists or you may"
                    " not see it.",
                    "%(number)d %(names)s were left out, because they no longer exist or you"
                    " may not see them.",
                    lost,
                )
                names = model_ngettext(field.related_model, lost)
                self.message_user(
                    request, message % {"number": lost, "names": names}, messages.WARNING
                )

    def revert_error(self, error: Any) -> str:
        texts = [_("This version can't be restored, because it is no longer valid.")]
        for name, problems in error.message_dict.items():
            label = ""
            if name != NON_FIELD_ERRORS:
                label = capfirst(self.opts.get_field(name).verbose_name) + ": "
            texts += [f"{label}{problem}" for problem in problems]
        return " ".join(texts)

    def version_context(
        self, request: HttpRequest, record: Any, present: Any
    ) -> dict[str, Any]:
        then = record.instance
        shown = [field.name for field in record.tracked_fields if not field.primary_key]
        shown += [field.name for field in self.m2m_fields]
        form = modelform_factory(self.model, fields=[])(instance=then)
        fieldsets = [(None, {"fields": shown})]
        admin_form = helpers.AdminForm(form, fieldsets, {}, shown, model_admin=self)

        def url(page: str, *args: Any) -> str:
            name = f"admin:{self.opts.app_label}_{self.opts.model_name}_{page}"
            return reverse(name, args=args, current_app=self.admin_site.name)

        disabled = self.revert_disabled(request, present or then)
        return {
            **self.admin_site.each_context(request),
            "title": self.history_form_view_title(request, present or then),
            "subtitle": formats.date_format(
                timezone.localtime(record.history_date), "DATETIME_FORMAT"
            ),
            "adminform": admin_form,
            "object_id": then.pk,
            "original": present or then,
            "record": record,
            "is_popup": False,
            "media": self.media + admin_form.media,
            "errors": [],
            "app_label": self.opts.app_label,
            "opts": self.opts,
            "original_opts": self.opts,
            "changelist_url": url("changelist"),
            "change_url": url("change", then.pk),
            "history_url": url("history", then.pk),
            "change_history": False,
            "revert_disabled": disabled,
            "add": False,
            "change": True,
            "has_add_permission": self.has_add_permission(request),
            "has_view_permission": True,
            "has_change_permission": not disabled,
            "has_delete_permission": False,
            "has_file_field": False,
            "has_absolute_url": False,
            "has_editable_inline_admin_formsets": False,
            "inline_admin_formsets": [],
            "form_url": "",
            "save_as": False,
            "save_on_top": False,
            "show_save": False,
            "content_type_id": None,
        }
