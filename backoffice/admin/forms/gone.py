"""The page for whoever saves a record that is gone by then: with what they typed."""

import re
from typing import Any

from django.contrib import messages
from django.contrib.admin import helpers
from django.contrib.admin.options import IS_POPUP_VAR
from django.contrib.admin.utils import flatten_fieldsets, unquote
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _

from backoffice.admin.forms.authors import deleter
from backoffice.admin.forms.seen import SEEN, initial_values, read
from backoffice.admin.pages import history_page
from backoffice.admin.typing import GoneBase
from backoffice.history.records import history_model
from backoffice.querysets.scopes import is_scoped


class GoneMixin(GoneBase):
    """For a ModelAdmin. The page adds a record anew, if its form can and the user may."""

    def _get_obj_does_not_exist_redirect(
        self, request: HttpRequest, opts: Any, object_id: str
    ) -> HttpResponse:
        seen = read(self.model, request.POST.get(SEEN, ""))
        try:
            pk = self.opts.pk.to_python(unquote(object_id))
        except ValidationError:
            seen = None
        if request.method != "POST" or seen is None:
            return super()._get_obj_does_not_exist_redirect(request, opts, object_id)
        return self.gone_page(request, pk, seen)

    def gone_page(self, request: HttpRequest, pk: Any, seen: Any) -> HttpResponse:
        """What was typed into the form of a record that is gone.

        seen: what the page showed of it.
        """
        values = initial_values(self.model, seen)
        columns = {field.name: field.attname for field in self.opts.concrete_fields}
        known = columns.keys() & values.keys()
        ghost = self.model(**{columns[name]: values[name] for name in known})
        ghost.pk = pk
        fieldsets: Any = self.get_fieldsets(request, ghost)
        names = flatten_fieldsets(fieldsets)
        request.POST = self.as_new(request, ghost)
        # As for a new record: what this user may do with this one can't be asked any more.
        readonly = list(self.get_readonly_fields(request, ghost))
        written = [name for name in names if name not in readonly]
        form_class = self.get_form(request, None, form=self.form, fields=written)
        form = form_class(request.POST, request.FILES, instance=ghost)
        formsets, inlines = self._create_formsets(request, ghost, change=True)
        readonly += [name for name in names if name not in {*readonly, *form.fields}]
        admin_form = helpers.AdminForm(form, list(fieldsets), {}, readonly, model_admin=self)
        shown = self.get_inline_formsets(request, formsets, inlines, ghost)
        media = self.media + admin_form.media
        for inline in shown:
            media += inline.media
        may_add = self.has_add_permission(request) and set(names) <= set(
            flatten_fieldsets(self.get_fieldsets(request, None))
        )
        self.message_user(
            request, self.gone_text(request, ghost, seen, may_add=may_add), messages.ERROR
        )
        context = {
            **self.admin_site.each_context(request),
            "title": _("Add %s") % self.opts.verbose_name,
            "subtitle": None,
            "adminform": admin_form,
            "object_id": None,
            "original": None,
            "is_popup": IS_POPUP_VAR in request.POST,
            "to_field": None,
            "media": media,
            "inline_admin_formsets": shown,
            "errors": helpers.AdminErrorList(form, formsets) if may_add else [],
            "preserved_filters": self.get_preserved_filters(request),
            "show_save": may_add,
            "show_save_and_continue": may_add,
            "show_save_and_add_another": False,
        }
        return self.render_change_form(
            request, context, add=True, change=False, form_url=self.page_url("add")
        )

    def as_new(self, request: HttpRequest, ghost: Any) -> Any:
        """What was sent, with the rows of inlines as new ones."""
        data = request.POST.copy()
        for formset, inline in self.get_formsets_with_inlines(request, ghost):
            prefix = f"{re.escape(formset.get_default_prefix())}(-[0-9]+)?"
            keys = f"({inline.opts.pk.name}|{formset.fk.name})"
            for name in data:
                if re.fullmatch(f"{prefix}-INITIAL_FORMS", name):
                    data[name] = "0"
                elif re.fullmatch(f"{prefix}-[0-9]+-{keys}", name):
                    data[name] = ""
        return data

    def gone_text(self, request: HttpRequest, ghost: Any, seen: Any, *, may_add: bool) -> str:
        words = {"name": self.opts.verbose_name, "record": seen[0]}
        if is_scoped(request.user):  # who is told nothing about what may be there
            text = _("The %(name)s “%(record)s” is no longer there for you.") % words
        elif self.model._base_manager.filter(pk=ghost.pk).exists():
            text = _("The %(name)s “%(record)s” is no longer one that you may see.") % words
        else:
            author = deleter(self.model, ghost.pk, seen[2]).described(request.user)
            text = _("The %(name)s “%(record)s” was deleted meanwhile (%(author)s).") % (
                words | {"author": author}
            )
        text += " " + _("Nothing was saved; what you typed is below.")
        if may_add:
            text += " " + _("Save it to add it as a new record.")
        if history_model(self.model) is None:
            return text
        url = history_page(self.admin_site, request, self.model, ghost.pk)
        if url is None:
            return text
        link = _("Or restore the former one from its history.")
        return format_html('{} <a href="{}">{}</a>', text, url, link)

    def page_url(self, page: str, *args: Any) -> str:
        name = f"{self.admin_site.name}:{self.opts.app_label}_{self.opts.model_name}_{page}"
        return reverse(name, args=args)
