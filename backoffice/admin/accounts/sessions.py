"""The pages of sessions: one's own, and those of an account for who may change it.

A session is named by a digest of its key: with the key itself, a page would give it away.
"""

from typing import Any

from django.contrib import messages
from django.contrib.admin.utils import unquote
from django.contrib.auth import logout
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from backoffice.admin.pages import framed, page_of
from backoffice.admin.typing import ModelAdminBase
from backoffice.sessions.engine import is_used
from backoffice.sessions.models import Session
from backoffice.trail.record import record


class SessionPages(ModelAdminBase):
    """For the ModelAdmin of accounts, where the sessions are those of `backoffice.sessions`."""

    _get_obj_does_not_exist_redirect: Any  # Django's own, which the stubs lack

    def get_urls(self) -> list[Any]:
        if not is_used():
            return super().get_urls()
        view = self.admin_site.admin_view
        name = f"{self.opts.app_label}_{self.opts.model_name}_sessions"
        return [
            path("sessions/", view(self.own_sessions_view), name="own_sessions"),
            path("<id>/sessions/", view(self.sessions_view), name=name),
            *super().get_urls(),
        ]

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Django's, with a link to the sessions of the account."""
        page = page_of(self.admin_site, self.model, "sessions", unquote(object_id))
        context = {"sessions_page": page} | (extra_context or {})
        return super().change_view(request, object_id, form_url, context)

    def own_sessions_view(self, request: HttpRequest) -> HttpResponse:
        """One's own: everybody may see and end them."""
        return self._sessions(request, request.user)

    def sessions_view(self, request: HttpRequest, id: str) -> HttpResponse:
        """An account's, for who may change it."""
        account = self.get_object(request, unquote(id))
        if account is None:
            elsewhere: HttpResponse = self._get_obj_does_not_exist_redirect(
                request, self.opts, id
            )
            return elsewhere
        if not self.has_change_permission(request, account):
            raise PermissionDenied
        return self._sessions(request, account)

    def _sessions(self, request: HttpRequest, account: Any) -> HttpResponse:
        key = request.session.session_key
        is_own = account.pk == request.user.pk
        if request.method == "POST":
            return self._end(request, account, key if is_own else None)
        alive = Session.objects.alive(account)
        title = _("Your sessions")
        if not is_own:
            title = _("Sessions of %s") % account.get_username()
        context = {
            "title": title,
            "account": account,
            "account_page": page_of(self.admin_site, self.model, "change", account.pk),
            "is_own": is_own,
            "sessions": [(row, row.session_key == key) for row in alive],
        }
        return framed(self, request, "admin/backoffice/sessions.html", context)

    def _end(self, request: HttpRequest, account: Any, own: str | None) -> HttpResponse:
        """End what the button says. own: the key of the session that presses it."""
        alive = Session.objects.alive(account)
        if "_all" in request.POST:
            rows = alive
        elif "_others" in request.POST:
            rows = [row for row in alive if row.pk != own]
        else:
            rows = [row for row in alive if row.name == request.POST.get("end")]
        others = [row for row in rows if row.pk != own]
        Session.objects.filter(pk__in=[row.pk for row in others]).delete()
        if others:
            record(
                "session ended",
                request=request,
                model=self.model,
                obj=account,
                message=", ".join(map(str, others)),
                count=len(others),
            )
        if len(others) != len(rows):  # this one as well, which is the last
            logout(request)
            messages.success(request, _("You are signed out."))
            return HttpResponseRedirect(reverse(f"{self.admin_site.name}:login"))
        message = ngettext("%d session is ended.", "%d sessions are ended.", len(others))
        messages.success(request, message % len(others))
        return HttpResponseRedirect(request.get_full_path())
