"""Links back to a list as the user left it, for the pages of its model."""

from django import template
from django.template import Context
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from backoffice.admin.lists import address

register = template.Library()


@register.simple_tag(takes_context=True)
def list_address(context: Context) -> str:
    """The URL of the list of `opts`, with its filters."""
    return address.list_address(context["request"], context["opts"])


@register.simple_tag(takes_context=True)
def keeping_list(context: Context) -> str:
    """The query string that keeps the filters on another page of `opts`."""
    return address.keeping_list(context["request"], context["opts"])


@register.simple_block_tag(takes_context=True)
def leading_back(context: Context, content: str) -> SafeString:
    """Have links to the list of `opts` in `content`, by whatever template, keep its filters."""
    opts, request = context.get("opts"), context.get("request")
    filtered = address.list_address(request, opts) if opts and request else ""
    plain, separator, _query = filtered.partition("?")
    if separator:
        link = f'href="{escape(plain)}"'
        content = content.replace(link, f'href="{escape(filtered)}"')
    return mark_safe(content)  # noqa: S308 -- rendered by a template, its links escaped
