"""Deleted records in the admin: a list, and how one comes back with what went with it."""

from collections.abc import Iterator, Sequence
from typing import Any

from django.contrib import messages
from django.contrib.admin.utils import model_ngettext, quote, unquote
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import ForeignKey, Model
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from backoffice.admin.pages import framed, history_page, may, may_undo
from backoffice.admin.typing import HistoryBase
from backoffice.changes.models import Change
from backoffice.changes.restore import (
    UNSEEN,
    NothingRestored,
    Part,
    Restorable,
    Restore,
    gone_with,
    is_restorable,
)
from backoffice.history.deleted import absent, deleted, visible
from backoffice.history.names import names_then
from backoffice.history.records import history_model
from backoffice.history.scopes import may_name_hidden
from backoffice.querysets.counts import Count
from backoffice.querysets.reach import Reach
from backoffice.querysets.scopes import is_scoped, within

PER_PAGE = 50
SHOWN = 10  # names of each part, and of what can't come back
COUNTED = 1_000  # records of a deletion that are counted by model

LACKING = {
    "add": gettext_lazy("it adds %(names)s again, which you may not"),
    "change": gettext_lazy("it changes %(names)s, which you may not"),
}


class DeletedMixin(HistoryBase):
    """For a ModelAdmin with history: its page "Deleted", and a page to restore a record.

    Shown is what `get_queryset` would show if it were there, to who may view the model and its
    history. Restoring needs the permission to add all that comes back.
    """

    _record_search: Any  # ImportMixin's
    erase_url: Any  # EraseMixin's

    def get_urls(self) -> list[Any]:
        info = self.opts.app_label, self.opts.model_name
        view = self.admin_site.admin_view
        return [
            path("deleted/", view(self.deleted_view), name="{}_{}_deleted".format(*info)),
            path(
                "<path:object_id>/restore/",
                view(self.restore_view),
                name="{}_{}_restore".format(*info),
            ),
            *super().get_urls(),
        ]

    def may_see_deleted(self, request: HttpRequest) -> bool:
        return bool(self.has_view_history_permission(request))

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        context = {"may_see_deleted": self.may_see_deleted(request)} | (extra_context or {})
        return super().changelist_view(request, context)

    # The list -----------------------------------------------------------------------

    def deleted_view(self, request: HttpRequest) -> HttpResponse:
        """The records that were deleted, the latest first."""
        if not self.may_see_deleted(request):
            raise PermissionDenied
        term = request.GET.get("q", "").replace("\x00", "").strip()
        search = self._record_search(request, term)
        before = request.GET.get("before", "")
        page = deleted(
            self.model,
            PER_PAGE,
            before=int(before) if before.isdecimal() and len(before) < 19 else None,
            narrow=lambda records: (
                records.filter(search.condition) if search is not None and term else records
            ).select_related("history_user", "history_change"),
        )
        seen = visible(self.get_queryset(request), page.records)
        records = [record for record in page.records if record.history_id in seen]
        if may_name_hidden(self.model, request.user):
            for record in records:
                record.history_change_reason = None
        context = {
            "rows": list(self._deleted_rows(request, records)),
            "page": page,
            "is_first": not before,
            "is_searchable": search is not None,
            "q": term,
            "may_restore": may(self.admin_site, request, "add", self.model),
        }
        title = _("Deleted %s") % self.opts.verbose_name_plural
        return self._deleted_page(request, "deleted", title, context)

    def _deleted_rows(
        self, request: HttpRequest, records: Sequence[Any]
    ) -> Iterator[dict[str, Any]]:
        """What the list shows of each record."""
        changes = self._seen_changes(request, records)
        counted = {
            change.pk
            for change in changes.values()
            if change.kind == Change.Kind.DELETION and change.removed <= COUNTED
        }
        numbers = gone_with(self.model, counted)
        for record, text in zip(
            records, names_then(records, Reach.of(request.user)), strict=True
        ):
            key = getattr(record, self.opts.pk.attname)
            change = changes.get(record.history_change_id)
            with_it = ""
            if change and change.pk in numbers:
                gone = dict(numbers[change.pk])
                gone[self.model, "-"] = gone.get((self.model, "-"), 1) - 1
                with_it = ", ".join(
                    amount(model, number, lost=kind == "~")
                    for (model, kind), number in gone.items()
                    if number
                )
            elif change and change.kind == Change.Kind.DELETION:
                with_it = _("%s others") % Count(change.removed - 1)
            yield {
                "record": record,
                "name": text,
                "with_it": with_it,
                "change": change,
                "change_page": self._url_of("import_job", change.pk)
                if change and change.model == self.opts.label
                else None,
                "history": self._url_of("history", quote(key)),
                "restore": self._url_of("restore", quote(key)),
            }

    def _seen_changes(self, request: HttpRequest, records: Sequence[Any]) -> dict[int, Change]:
        """The changes that deleted the records: those that the user may see."""
        changes = {r.history_change_id: r.history_change for r in records if r.history_change}
        if not changes or not is_scoped(request.user):
            return changes
        seen = within(Change.objects.filter(pk__in=changes), request.user)
        return {pk: changes[pk] for pk in seen.values_list("pk", flat=True)}

    # One record ---------------------------------------------------------------------

    def restore_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Show what comes back with a deleted record, and what can't; restore on POST."""
        if not self.may_see_deleted(request):
            raise PermissionDenied
        record = self.deleted_record(request, unquote(object_id))
        if record is None:
            return self._is_there(request, object_id)
        if not is_restorable(self.model):
            page = self._url_of("simple_history", object_id, record.pk)
            return HttpResponseRedirect(page)
        with Restore(record, reach=Reach.of(request.user)) as restore:
            found = restore.plan(sample=SHOWN)
            if restore.reaches_outside(request.user):
                found = Restorable(problem=str(UNSEEN))
        lacks = self._lacks_to_restore(request, found.parts)
        if request.method == "POST":
            if lacks:
                raise PermissionDenied
            without = set(request.POST.getlist("offered")) - set(request.POST.getlist("with"))
            try:
                return self._restore(request, record, without)
            except NothingRestored as error:
                messages.error(request, _("Nothing was restored: %s") % error)
        context = {
            "record": record,
            "name": names_then([record], Reach.of(request.user))[0],
            "parts": [
                (
                    part,
                    amount(part.model, part.number, lost=part.lost),
                    part.names if may(self.admin_site, request, "view", part.model) else [],
                )
                for part in found.parts
            ],
            "found": found,
            "left": [
                (history_page(self.admin_site, request, model, pk), text, why)
                for model, pk, text, why in found.left
                if may(self.admin_site, request, "view", model)
            ],
            "parents": []
            if found.problem in ("", UNSEEN)
            else list(self._lost_parents(request, record)),
            "lacks": lacks,
            "history": self._url_of("history", object_id),
            "erase_url": self.erase_url(request, object_id),
        }
        title = _("Restore %s") % context["name"]
        return self._deleted_page(request, "restore", title, context)

    def deleted_record(self, request: HttpRequest, object_id: str) -> Any:
        """The record of a row's deletion; None if the row is there, or not for this user."""
        try:
            pk = self.opts.pk.to_python(object_id)
        except ValidationError:
            return None
        records = absent(self.model).filter(**{self.opts.pk.attname: pk})
        record = records.select_related("history_user", "history_change").first()
        if record and visible(self.get_queryset(request), [record]):
            return record
        return None

    def _is_there(self, request: HttpRequest, object_id: str) -> HttpResponse:
        obj = self.get_object(request, unquote(object_id))
        if obj is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        message = _("The %(name)s “%(row)s” is there: nothing needs to be restored.")
        message %= {"name": self.opts.verbose_name, "row": obj}
        self.message_user(request, message, messages.INFO)
        return HttpResponseRedirect(self._url_of("change", quote(obj.pk)))

    def _restore(self, request: HttpRequest, record: Any, without: set[str]) -> HttpResponse:
        with Restore(record, without=without, reach=Reach.of(request.user)) as restore:
            change, parts = restore.run(user=request.user)
        row = self.model._base_manager.get(pk=getattr(record, self.opts.pk.attname))
        said = ", ".join(amount(part.model, part.number, lost=part.lost) for part in parts)
        if said:
            message = _("The %(name)s “%(row)s” was restored, with %(parts)s.")
        else:
            message = _("The %(name)s “%(row)s” was restored.")
        (name,) = names_then([record], Reach.of(request.user))
        message %= {"name": self.opts.verbose_name, "row": name, "parts": said}
        self.log_change(request, row, message)
        if may_undo(self.admin_site, request, change):
            undo = self._url_of("import_undo", change.pk)
            message = format_html('{} <a href="{}">{}</a>', message, undo, _("Undo"))
        self.message_user(request, message, messages.SUCCESS)
        return HttpResponseRedirect(self._url_of("change", quote(row.pk)))

    def _lacks_to_restore(self, request: HttpRequest, parts: Sequence[Part]) -> str:
        """Which rights the user lacks to restore the record with these parts, in words."""
        needed = [(self.model, "add")]
        needed += [(part.model, "change" if part.lost else "add") for part in parts]
        return "; ".join(
            str(LACKING[right]) % {"names": model._meta.verbose_name_plural}
            for model, right in dict.fromkeys(needed)
            if not may(self.admin_site, request, right, model)
        )

    def _lost_parents(self, request: HttpRequest, record: Any) -> Iterator[tuple[str, str]]:
        """What is deleted that the record refers to: `(page to restore it, name)`."""
        for field in record.tracked_fields:
            if not isinstance(field, ForeignKey) or history_model(field.related_model) is None:
                continue
            target = field.target_field.model
            value = getattr(record, field.attname)
            gone = absent(target).filter(**{field.target_field.attname: value}).first()
            if gone is None:
                continue
            key = getattr(gone, target._meta.pk.attname)
            if page := history_page(self.admin_site, request, target, key, page="restore"):
                (name,) = names_then([gone], Reach.of(request.user))
                yield page, f"{target._meta.verbose_name} {name}"

    # Pages --------------------------------------------------------------------------

    def _url_of(self, page: str, *args: Any) -> str:
        name = f"{self.admin_site.name}:{self.opts.app_label}_{self.opts.model_name}_{page}"
        return reverse(name, args=args)

    def _deleted_page(
        self, request: HttpRequest, page: str, title: str, context: dict[str, Any]
    ) -> HttpResponse:
        template = f"admin/backoffice/{page}.html"
        return framed(self, request, template, {"title": title, **context})


def amount(model: type[Model], number: int, *, lost: bool = False) -> str:
    """So many rows of a model, in words; lost: they stayed, and only lost links."""
    names = f"{Count(number)} {model_ngettext(model._meta, number)}"
    return _("links of %s") % names if lost else names
