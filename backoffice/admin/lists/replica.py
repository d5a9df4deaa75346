"""Lists and pages of exports are read from the replica, where the site has one."""

from collections.abc import Callable
from functools import partial
from typing import Any

from django.contrib import messages
from django.db import Error
from django.http import HttpRequest, HttpResponse
from django.template.response import SimpleTemplateResponse

from backoffice.admin.typing import ExportBase
from backoffice.tables import replica


class ReplicaMixin(ExportBase):
    """For a ModelAdmin, before all that have a part in its list."""

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        view = partial(super().changelist_view, request, extra_context)
        return read_there(request, self.opts.app_label, view)

    def export_action(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """The page; the file is read from where `Export` says."""
        view = partial(super().export_action, request, *args, **kwargs)
        return read_there(request, self.opts.app_label, view)


def read_there(
    request: HttpRequest, app_label: str, view: Callable[[], HttpResponse]
) -> HttpResponse:
    """What the view gives: it reads the app's models from the replica if that has everything.

    If the replica ends it, all of it is read again, from the primary. A form that was sent
    writes, as a rule.
    """
    if request.method not in ("GET", "HEAD") or replica.alias_now() != replica.REPLICA:
        return view()
    said: Any = messages.get_messages(request)
    queued = list(said._queued_messages)
    with replica.reading(app_label) as failed:
        try:
            response = view()
            if isinstance(response, SimpleTemplateResponse):
                response.render()  # its querysets are read only now
        except Error as error:
            if not replica.gave_up(error, *failed):
                raise
        else:
            if not replica.gave_up(*failed):
                return response
    # As nothing was shown, messages are read again from where they are kept.
    said._queued_messages[:] = queued
    said.used = False
    said.__dict__.pop("_loaded_data", None)
    return view()
