"""Where *Help* leads from a page."""

from django import template
from django.template import Context

from backoffice.admin.help import pages

register = template.Library()


@register.simple_tag(takes_context=True)
def help_address(context: Context) -> str:
    """The address of the manual's section about this page; "" where it can't be opened."""
    request, shown = context.get("request"), context.template
    if request is None or not context.get("has_permission"):
        return ""
    return pages.help_address(request, getattr(shown, "name", None) or "")
