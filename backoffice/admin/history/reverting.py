"""Going back to a version of a row in the admin: to all of it, to one field, or to one link."""

from typing import Any

from django.contrib import messages
from django.contrib.admin import helpers
from django.contrib.admin.utils import model_ngettext, quote, unquote
from django.core.exceptions import NON_FIELD_ERRORS, PermissionDenied, ValidationError
from django.db import router, transaction
from django.forms.models import modelform_factory
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from backoffice.admin.history.comparison import (
    Comparison,
    compared,
    fingerprint,
    to_the_second,
)
from backoffice.admin.pages import may
from backoffice.admin.pickers.links import Links
from backoffice.admin.typing import HistoryBase
from backoffice.history.deleted import visible
from backoffice.history.historical_records import hold_records, release_records
from backoffice.history.links import recorded_links
from backoffice.history.scopes import within_then
from backoffice.keepers import LockedOut
from backoffice.querysets.reach import Reach
from backoffice.querysets.relations import ManyToMany
from backoffice.querysets.scopes import within
from backoffice.tables.table import Table


class RevertMixin(HistoryBase):
    """The page of a version: what going back to it would change, and doing that."""

    object_history_form_template = "admin/backoffice/version.html"
    get_guarded: Any  # PickerMixin's
    get_pickers: Any

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
        if record is None or not visible(self.get_queryset(request), [record]):
            return None
        return record.instance

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
        record = within_then(records, request.user).filter(pk=version).first()
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
                done = self.revert_as_asked(request, record, present)
            except ValidationError as error:
                self.message_user(request, self.revert_error(error), messages.ERROR)
            except LockedOut as error:
                self.message_user(request, str(error), messages.ERROR)
            else:
                message = _("The %(name)s “%(row)s” was changed successfully.")
                message %= {"name": self.opts.verbose_name, "row": done}
                self.message_user(request, message, messages.SUCCESS)
                return self.response_post_save_change(request, done)
        context = self.version_context(request, record, present)
        return self.render_history_view(
            request, self.object_history_form_template, context | (extra_context or {})
        )

    # Going back ---------------------------------------------------------------------

    def revert_as_asked(self, request: HttpRequest, record: Any, present: Any) -> Any:
        """Revert all, one field or one link, by the button that was pressed; return the row.

        Raises ValidationError if that is not valid, or if the row is no longer as it was shown.
        """
        name, _colon, key = request.POST.get("only", "").partition(":")
        with transaction.atomic(using=router.db_for_write(self.model)):
            if present is not None:
                Table(self.model).lock_for_rows()
                rows = self.model._base_manager.select_for_update()
                present = rows.filter(pk=present.pk).first()
            shown = request.POST.get("shown")
            if shown not in (None, fingerprint(type(record), present)):
                raise ValidationError(
                    _("It was changed since the page was opened. Look at it again."),
                    code="moved",
                )
            if not name or present is None:
                return self.revert(request, record, present)
            fields = {
                field.name: field for field in [*self.m2m_fields, *compared(type(record))]
            }
            if name not in fields:
                raise Http404
            if name in self.withheld_fields(request, present):
                raise PermissionDenied
            if fields[name].many_to_many:
                return self.put_links_back(request, record, present, fields[name], key)
            return self.put_back(request, record, present, fields[name])

    def revert(self, request: HttpRequest, record: Any, present: Any) -> Any:
        """Restore the version in `record`; this writes one new history record, by the user.

        What the form keeps the user from changing stays as it is. Raises ValidationError if
        that version is no longer valid.
        """
        then = record.instance
        then._state.adding = present is None
        returning = self.m2m_fields
        if present is not None:
            withheld = self.withheld_fields(request, present)
            returning = [field for field in returning if field.name not in withheld]
            for field in compared(type(record)):
                if field.name in withheld:
                    setattr(then, field.attname, getattr(present, field.attname))
        then.full_clean()
        self.refuse_unseen(request, then, present)
        then._history_user = request.user
        date = to_the_second(record.history_date)
        then._change_reason = (_("Reverted to the version of %s") % date)[:100]
        links = {field: recorded_links([record], field)[record.pk] for field in returning}
        with transaction.atomic(using=router.db_for_write(self.model)):
            if present is None:
                self.save_model(request, then, form=None, change=True)
                self.set_links(request, then, links)
            else:
                # Links first, without a record: the record of the save then has them too.
                present.skip_history_when_saving = True
                self.set_links(request, present, links)
                self.save_model(request, then, form=None, change=True)
            self.log_change(request, then, then._change_reason + ".")
        return then

    def put_back(self, request: HttpRequest, record: Any, present: Any, field: Any) -> Any:
        """Give one field the value that it had then.

        Raises ValidationError if the value is no longer valid.
        """
        before = self.model._base_manager.get(pk=present.pk)
        setattr(present, field.attname, getattr(record, field.attname))
        # What else is wrong with the row is no reason: the other fields stay as they are.
        present.clean_fields(exclude={f.name for f in self.opts.fields if f is not field})
        present.clean()
        present.validate_unique()
        present.validate_constraints()
        self.refuse_unseen(request, present, before)
        present._history_user = request.user
        present._change_reason = self.put_back_reason(record, field)
        self.save_model(request, present, form=None, change=True)
        self.log_change(request, present, present._change_reason + ".")
        return present

    def put_links_back(
        self, request: HttpRequest, record: Any, present: Any, field: Any, key: str
    ) -> Any:
        """Give a many-to-many the links that it had then: all, or one alone, by its key.

        Raises ValidationError if the one can't be chosen.
        """
        present._history_user = request.user
        present._change_reason = self.put_back_reason(record, field)
        then = recorded_links([record], field)[record.pk]
        hold_records(present)
        if key:
            links = self.links_of(request, field, present)
            one = links.clean_key(key)
            if one not in links.visible([one]):
                problem = _("It no longer exists, or you may not choose it.")
                raise ValidationError({field.name: problem})
            added, removed = ([one], []) if one in then else ([], [one])
            links.change(added=added, removed=removed)
        else:
            self.set_links(request, present, {field: then}, of=present)
        release_records(present)
        self.log_change(request, present, present._change_reason + ".")
        return present

    def put_back_reason(self, record: Any, field: Any) -> str:
        date = to_the_second(record.history_date)
        words = {"field": field.verbose_name, "date": date}
        return (_("Put back %(field)s of %(date)s") % words)[:100]

    @property
    def m2m_fields(self) -> Any:
        return self.history_manager.model._history_m2m_fields

    def seen_links(self, request: HttpRequest) -> list[Any]:
        """The many-to-many fields whose history the user may view."""
        records = self.history_manager.model
        return [
            field
            for field in self.m2m_fields
            if may(self.admin_site, request, "view", getattr(records, field.name).model)
        ]

    def unseen_links(self, request: HttpRequest) -> set[str]:
        """The names of the other many-to-many fields."""
        seen = self.seen_links(request)
        return {field.name for field in self.m2m_fields if field not in seen}

    def withheld_fields(self, request: HttpRequest, present: Any) -> set[Any]:
        """The names of the fields that this user can't put back.

        They are those that the form of the row keeps the user from changing, and the links
        whose history the user may not view.
        """
        guarded = set(self.get_guarded(request)).difference(self.get_pickers(request, present))
        guarded |= self.unseen_links(request)
        return guarded.union(self.get_readonly_fields(request, present))

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

    def links_of(self, request: HttpRequest, field: Any, obj: Any) -> Links:
        rows, reach = self.choices_of(request, field), Reach.of(request.user)
        return Links(ManyToMany.forward(field), rows, obj, reach=reach)

    def set_links(self, request: HttpRequest, obj: Any, links: Any, *, of: Any = None) -> None:
        """Set the links to those in `links`; links that the user can't see stay.

        of: the row to do it by, where its prefetched links aren't those of an old version.
        """
        for field, keys in links.items():
            fresh = of or self.model._base_manager.get(pk=obj.pk)
            if hasattr(obj, "skip_history_when_saving"):
                fresh.skip_history_when_saving = True
            fresh._history_user = request.user
            present = self.links_of(request, field, fresh)
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
        if not hasattr(error, "error_dict"):
            return " ".join(error.messages)
        texts = [_("This version can't be restored, because it is no longer valid.")]
        for name, problems in error.message_dict.items():
            label = ""
            if name != NON_FIELD_ERRORS:
                label = capfirst(self.opts.get_field(name).verbose_name) + ": "
            texts += [f"{label}{problem}" for problem in problems]
        return " ".join(texts)

    def differences(
        self, request: HttpRequest, record: Any, present: Any, only: str
    ) -> list[Any]:
        if present is None:
            return []
        comparison = Comparison(
            record,
            present,
            withheld=self.withheld_fields(request, present),
            choices=lambda field: self.choices_of(request, field),
            user=request.user,
            empty=self.get_empty_value_display(),
        )
        unseen = self.unseen_links(request)
        return [each for each in comparison.differences(only) if each.name not in unseen]

    def version_context(
        self, request: HttpRequest, record: Any, present: Any
    ) -> dict[str, Any]:
        then = record.instance
        for field, rows in then._prefetched_objects_cache.items():
            then._prefetched_objects_cache[field] = within(rows, request.user)
        shown = [field.name for field in record.tracked_fields if not field.primary_key]
        shown += [field.name for field in self.seen_links(request)]
        form = modelform_factory(self.model, fields=[])(instance=then)
        fieldsets = [(None, {"fields": shown})]
        admin_form = helpers.AdminForm(form, fieldsets, {}, shown, model_admin=self)

        def url(page: str, *args: Any) -> str:
            name = f"admin:{self.opts.app_label}_{self.opts.model_name}_{page}"
            return reverse(name, args=args, current_app=self.admin_site.name)

        only = request.GET.get("only", "")
        differences = self.differences(request, record, present, only)
        is_same = present is not None and not any(each.may_return for each in differences)
        disabled = is_same or self.revert_disabled(request, present or then)
        return {
            "differences": differences,
            "only": only,
            "shown": fingerprint(type(record), present),
            "restore_url": None if present else url("restore", quote(then.pk)),
            **self.admin_site.each_context(request),
            "title": self.history_form_view_title(request, present or then),
            "subtitle": to_the_second(record.history_date),
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
