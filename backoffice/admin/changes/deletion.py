"""Deleting in the admin: shows counts and samples, and asks to confirm large deletions."""

import unicodedata
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin import helpers
from django.contrib.admin.models import DELETION, LogEntry
from django.contrib.admin.options import (
    IS_POPUP_VAR,
    TO_FIELD_VAR,
    get_content_type_for_model,
)
from django.contrib.admin.utils import model_ngettext
from django.core.exceptions import PermissionDenied
from django.db import router, transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.template.response import TemplateResponse
from django.utils.html import format_html
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from backoffice.admin.pages import history_page, may, may_undo, page_of, plural_of
from backoffice.admin.submissions.once import confirmed_by
from backoffice.admin.submissions.proof import demand_proof
from backoffice.admin.typing import ModelAdminBase
from backoffice.changes.deletion import Deletion, held_to_delete
from backoffice.changes.limited import has_unseen
from backoffice.history.names import names_then
from backoffice.history.records import history_model
from backoffice.keepers import LockedOut
from backoffice.querysets.counts import Count, count_rows
from backoffice.querysets.names import annotated_name, annotated_names, named
from backoffice.querysets.reach import Reach
from backoffice.trail.record import record

MANY = 100  # rows that are deleted without typing a confirmation
SHOWN = 10  # rows of each model
LOGGED = 1_000  # rows that each get an entry in the log


class NotConfirmed(Exception):
    """The deletion is large, and the user did not type what it asked for."""


class DeletionMixin(ModelAdminBase):
    """For a ModelAdmin: deletes any number of rows in a few statements, history kept."""

    delete_confirmation_template = "admin/backoffice/delete_confirmation.html"
    delete_selected_confirmation_template = "admin/backoffice/delete_selected_confirmation.html"

    # What is deleted ----------------------------------------------------------------

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Django's four values, with bounded counts and a sample of each model's rows."""
        rows = objs
        if isinstance(objs, list):
            rows = self.model._base_manager.filter(pk__in=[obj.pk for obj in objs])
            if request.method == "POST":
                # Lock them in Django's transaction, so that no new row can refer to them.
                Deletion(rows).lock_tables()
                len(rows.select_for_update())
        deletion = Deletion(rows)
        reach = Reach.of(request.user)
        if not deletion.is_plain and reach.is_limited:  # what goes with it can't be told
            return [], {}, {_("%s, with what refers to it") % self.opts.verbose_name}, []
        if not deletion.is_plain:
            return super().get_deleted_objects(objs, request)
        model_count: dict[Any, int] = {}
        perms_needed: set[Any] = set()
        own: list[Any] = []
        related: list[Any] = []
        forbidden: list[Any] = []
        samples = []
        for model, queryset in deletion.rows().items():
            count = Count(rows.count()) if model is self.model else count_rows(queryset)
            if not count:
                continue
            if has_unseen(queryset, reach):
                said = _("%s that others have as well")
                perms_needed.add(said % model._meta.verbose_name_plural)
                queryset = reach.within(queryset)
                if not (count := count_rows(queryset)):
                    continue
            model_count[plural_of(model)] = count
            if not self.may_delete_all(request, queryset):
                perms_needed.add(model._meta.verbose_name)
            if not model._meta.auto_created:
                lines = own if model is self.model else related
                samples.append((lines, list(named(queryset, reach)[:SHOWN]), count))
        for queryset in deletion.forbidden():
            if reach.is_limited and queryset.exclude(pk__in=reach.within(queryset)).exists():
                forbidden.append(_("records that you may not see"))
                queryset = reach.within(queryset)
            samples.append(
                (forbidden, list(named(queryset, reach)[:SHOWN]), count_rows(queryset))
            )
        texts = iter(annotated_names([row for _lines, rows, _count in samples for row in rows]))
        for lines, rows, count in samples:
            lines += [self.line(row, next(texts)) for row in rows]
            if more := count - len(rows):
                lines.append(self.line_of_others(rows[0]._meta, more, count))
        # Django's `unordered_list` nests only one list below an item.
        return [*own, related] if related else own, model_count, perms_needed, forbidden

    def may_delete_all(self, request: HttpRequest, queryset: QuerySet[Any]) -> bool:
        """Ask for each row, as Django does; only once if the answer is the same for all."""
        if not self.admin_site.is_registered(queryset.model):
            return True
        model_admin = self.admin_site.get_model_admin(queryset.model)
        asked: Any = model_admin.has_delete_permission
        if asked.__func__ is admin.ModelAdmin.has_delete_permission:
            return bool(asked(request))
        return all(asked(request, row) for row in queryset.iterator(chunk_size=1000))

    def line_of_others(self, opts: Any, more: int, count: Count) -> str:
        number = Count(more, at_least=count.at_least)
        values = {"number": number, "names": model_ngettext(opts, number)}
        return _("… and %(number)s more %(names)s") % values

    def line(self, row: Any, text: str) -> str:
        """A row in text, with a link if it has a page."""
        name = capfirst(row._meta.verbose_name)
        url = page_of(self.admin_site, type(row), "change", row.pk)
        return (
            format_html('{}: <a href="{}">{}</a>', name, url, text)
            if url
            else f"{name}: {text}"
        )

    # One row ------------------------------------------------------------------------

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        try:
            return super().delete_view(request, object_id, extra_context)
        except LockedOut as error:
            messages.error(request, _("Nothing was deleted. %s") % error)
            return HttpResponseRedirect(request.get_full_path())
        except NotConfirmed:
            # The transaction was rolled back; ask again.
            sent = request.GET.copy()
            sent.update(request.POST)  # such as whether it is a popup
            request.method = "GET"
            request.GET, request.POST = sent, QueryDict()  # type: ignore[assignment] # not sent
            context = {"not_confirmed": True} | (extra_context or {})
            return super().delete_view(request, object_id, context)

    def render_delete_form(self, request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
        if goes_with(context["model_count"], 1) > MANY:
            context["to_type"] = one_line(context["object"])
        context["named"] = annotated_name(context["object"])
        row = self.model._base_manager.filter(pk=context["object"].pk)
        context["is_undoable"] = Deletion(row).is_undoable
        return super().render_delete_form(request, context)

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        typed = one_line(request.POST.get("confirmation", ""))
        if typed != one_line(obj):
            _shown, counts, *_rest = self.get_deleted_objects([obj], request)
            if goes_with(counts.items(), 1) > MANY:
                raise NotConfirmed
        deletion = Deletion(self.model._base_manager.filter(pk=obj.pk))
        if not deletion.is_plain:
            super().delete_model(request, obj)
            return
        named = annotated_name(obj)
        words = {"name": self.opts.verbose_name, "row": named}
        deletion.run(
            title=f"{capfirst(self.opts.verbose_name)}: {named}",
            user=request.user,
            reason=_("Deleted"),
            reason_with=_("Deleted with the %(name)s %(row)s") % words,
            reason_lost=_("The %(name)s %(row)s was deleted") % words,
        )

    def response_delete(self, request: HttpRequest, obj_display: str, obj_id: Any) -> Any:
        """Django's response; its message has a link to the page that brings the row back."""
        if TO_FIELD_VAR not in request.POST and (history := history_model(self.model)):
            records = history._base_manager.filter(**{self.opts.pk.attname: obj_id})
            (obj_display,) = names_then(
                list(records.order_by("-history_id")[:1]), Reach.of(request.user)
            ) or [obj_display]
        response = super().response_delete(request, obj_display, obj_id)
        page = history_page(self.admin_site, request, self.model, obj_id, page="restore")
        may_restore = may(self.admin_site, request, "add", self.model)
        if page and IS_POPUP_VAR not in request.POST and may_restore:
            said: Any = messages.get_messages(request)
            message = said._queued_messages[-1]
            message.message = with_undo(message.message, page)
        return response

    # Many rows ----------------------------------------------------------------------

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> Any:
        """Delete the rows; return the Change that records it, if it can be undone."""
        deletion = Deletion(queryset)
        if not deletion.is_plain:
            return super().delete_queryset(request, queryset)
        number = queryset.count()
        words = {"name": self.opts.verbose_name, "number": Count(number)}
        return deletion.run(
            title=f"{Count(number)} {model_ngettext(self.opts, number)}",
            user=request.user,
            reason=_("Deleted"),
            reason_with=_("Deleted with its %(name)s, among %(number)s") % words,
            reason_lost=_("Its %(name)s was deleted, among %(number)s") % words,
        )

    def log_deletions(self, request: HttpRequest, queryset: QuerySet[Any]) -> Any:
        """Log each row, or all rows in one entry if they are many and have a history."""
        number = len(queryset) if isinstance(queryset, list) else queryset.count()
        if number <= LOGGED or not hasattr(self.opts, "simple_history_manager_attribute"):
            return super().log_deletions(request, queryset)
        record("delete", request=request, model=self.model, count=number)
        return LogEntry.objects.create(
            user_id=request.user.pk or 0,
            content_type=get_content_type_for_model(self.model),
            object_repr=f"{Count(number)} {self.opts.verbose_name_plural}"[:200],
            action_flag=DELETION,
            change_message=_("Deleted together; see the history of each."),
        )

    @confirmed_by("post")
    @admin.action(
        permissions=["delete"],
        description=gettext_lazy("Delete selected %(verbose_name_plural)s"),
    )
    def delete_selected(self, request: HttpRequest, queryset: QuerySet[Any]) -> Any:
        """Django's action for any number of rows, without a list of their keys."""
        if not request.POST.get("post"):
            return self.confirm_deletion(request, queryset)
        demand_proof(request)
        try:
            with (
                transaction.atomic(using=router.db_for_write(self.model)),
                held_to_delete(queryset) as rows,
            ):
                _shown, counts, perms_needed, protected = self.get_deleted_objects(
                    rows, request
                )
                if perms_needed and not protected:
                    raise PermissionDenied
                number = rows.count()
                with_them = goes_with(counts.items(), number)
                expected = request.POST.get("expected")
                has_moved = number and expected not in (None, f"{number:d}+{with_them:d}")
                if protected or has_moved or not self.is_confirmed(request, number, with_them):
                    not_confirmed = not (protected or has_moved)
                    return self.confirm_deletion(
                        request, rows, has_moved=has_moved, not_confirmed=not_confirmed
                    )
                if number:
                    self.log_deletions(request, rows)
                    change = self.delete_queryset(request, rows)
        except LockedOut as error:
            self.message_user(request, _("Nothing was deleted. %s") % error, messages.ERROR)
            return None
        if not number:
            message = _("The records have changed since. Nothing was deleted; look again.")
            self.message_user(request, message, messages.ERROR)
            return None
        message = _("Successfully deleted %(count)s %(items)s.")
        message %= {"count": Count(number), "items": model_ngettext(self.opts, number)}
        page = change and page_of(self.admin_site, self.model, "import_undo", change.pk)
        if page and may_undo(self.admin_site, request, change):
            message = with_undo(message, page)
        self.message_user(request, message, messages.SUCCESS)
        return None

    def is_confirmed(self, request: HttpRequest, number: int, with_them: int) -> bool:
        return number + with_them <= MANY or typed_number(request) == str(int(number))

    def confirm_deletion(
        self, request: HttpRequest, queryset: QuerySet[Any], **context: Any
    ) -> HttpResponse:
        shown, counts, perms_needed, protected = self.get_deleted_objects(queryset, request)
        number = Count(queryset.count())
        with_them = goes_with(counts.items(), number)
        name = model_ngettext(self.opts, number)
        title = _("Delete several records")
        if perms_needed or protected:
            title = _("Cannot delete %(name)s") % {"name": name}
        is_across = request.POST.get("select_across") == "1"
        keys = request.POST.getlist(helpers.ACTION_CHECKBOX_NAME)
        context |= {
            **self.admin_site.each_context(request),
            "title": title,
            "subtitle": None,
            "objects_name": name,
            "deletable_objects": [shown],
            "model_count": dict(counts).items(),
            "queryset": [],
            "is_across": is_across,
            # Django's list requires at least one key; the filter is in the URL.
            "keys": keys[:1] if is_across else keys,
            "expected": f"{number:d}+{with_them:d}",
            "is_undoable": Deletion(queryset).is_undoable,
            "to_type": number if number + with_them > MANY else None,
            "perms_lacking": perms_needed,
            "protected": protected,
            "opts": self.opts,
            "action_checkbox_name": helpers.ACTION_CHECKBOX_NAME,
            "media": self.media,
        }
        request.current_app = self.admin_site.name
        # Render now: afterwards the rows are no longer held.
        return TemplateResponse(
            request, self.delete_selected_confirmation_template, context
        ).render()


def with_undo(message: str, page: str) -> str:
    """A message that something was done, and the link to take it back."""
    return format_html('{} <a href="{}">{}</a>', message, page, _("Undo"))


def goes_with(model_count: Any, number: int) -> int:
    """How many rows cascade, beside the `number` chosen; `model_count` counts them all."""
    return int(sum(count for _name, count in model_count) - number)


def typed_number(request: HttpRequest) -> str:
    """The digits of the number that was typed as a confirmation; "1,234" is 1234."""
    return "".join(c for c in request.POST.get("confirmation", "") if c.isdecimal())


def one_line(text: Any) -> str:
    """The text as one can type it: single spaces, and accents composed with their letters."""
    return unicodedata.normalize("NFC", " ".join(str(text).split()))
