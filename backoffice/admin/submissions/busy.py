"""A form that met somebody else's lock: a page keeps it, to send it again in a moment."""

from django.contrib.admin.sites import AdminSite
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from backoffice.admin.submissions import kept
from backoffice.admin.submissions.unavailable import SEND_AGAIN
from backoffice.changes.models import Change
from backoffice.submissions import Token

AGAIN = 5  # seconds after which it is worth to try again
TITLE = gettext_lazy("Somebody else is writing there just now")


def page(request: HttpRequest, site: AdminSite, *, in_steps: bool = False) -> TemplateResponse:
    """503, with all that was sent. Its token is kept, so it is still done once.

    in_steps: a part may be done already, as `once.in_steps` has it.
    """
    text = _("Nothing was saved yet. What was typed is kept on this page: send it in a moment.")
    if in_steps:
        text = str(SEND_AGAIN)
    why = kept.Why(TITLE, " ".join([*being_written(request, site), text]), 503)
    response = kept.page(request, site, why, token=Token.of(request), button=_("Send it again"))
    response.headers["Retry-After"] = str(AGAIN)
    return response


def being_written(request: HttpRequest, site: AdminSite) -> list[str]:
    """A sentence about each model that is being imported, of those the user may see."""
    writing = Change.objects.filter(status=Change.Status.APPLYING)
    labels = set(writing.values_list("model", flat=True))
    names = [
        str(model._meta.verbose_name_plural)
        for model, model_admin in site._registry.items()
        if model._meta.label in labels and model_admin.has_view_or_change_permission(request)
    ]
    return [
        _("An import into %(models)s, or its undo, is being written.") % {"models": name}
        for name in sorted(names)
    ]
