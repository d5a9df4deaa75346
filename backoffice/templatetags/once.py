"""`{% csrf_token %}` as Django's, and beside it the token by which a form is done once.

`conf.apply_defaults` makes this a builtin of all templates, so that every form has it: Django's
own, ours and those of other packages.
"""

from typing import Any

from django import template
from django.template.defaulttags import CsrfTokenNode
from django.utils.html import format_html

from backoffice.submissions import NAME, Token

register = template.Library()


class TokensNode(CsrfTokenNode):
    def render(self, context: Any) -> Any:
        csrf = super().render(context)
        user = getattr(getattr(context, "request", None), "user", None)
        if not csrf or user is None or not user.is_authenticated:
            return csrf
        token = Token.new(user.get_username())
        return csrf + format_html('<input type="hidden" name="{}" value="{}">', NAME, token)


@register.tag
def csrf_token(parser: Any, token: Any) -> TokensNode:
    return TokensNode()
