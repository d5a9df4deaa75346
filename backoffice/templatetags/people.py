"""Names of users in templates, for those who may read them."""

from typing import Any

from django import template
from django.template import Context

from backoffice.admin import people

register = template.Library()


@register.simple_tag(takes_context=True)
def person(context: Context, user: Any) -> str:
    """A user's name, or what stands in its place; "" for nobody."""
    return people.person(context["request"], user)
