"""What the templates of lists show of columns, filters and actions."""

from collections.abc import Iterable, Iterator
from itertools import zip_longest
from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from backoffice.admin.lists.columns import kind_of

register = template.Library()

#: What a button says of an action whose own name is for a list of choices.
BUTTONS = {
    "delete_selected": _("Delete"),
    "edit_selected": _("Edit"),
    "export_admin_action": _("Export"),
}


@register.simple_tag
def columns_of(cl: Any, headers: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Django's headers, each with its `label` for a card and its `kind` (see `kind_of`)."""
    return [
        {
            **header,
            "label": "" if column == "action_checkbox" else capfirst(header["text"]),
            "kind": kind_of(cl.model, column),
            "class_attrib": _with_class(
                header.get("class_attrib") or "", kind_of(cl.model, column)
            ),
        }
        for column, header in zip(cl.list_display, headers, strict=True)
    ]


@register.filter
def cells(row: Iterable[SafeString], columns: list[dict[str, Any]]) -> Iterator[SafeString]:
    """Django's cells of a row, each with the label and the kind of its column."""
    for cell, column in zip_longest(row, columns):
        if cell is None or column is None:
            yield cell or mark_safe("")
            continue
        labelled = _with_class(cell, column["kind"])
        label = format_html(' data-l="{}" class=', column["label"])
        yield mark_safe(labelled.replace(" class=", label, 1))  # noqa: S308 -- Django's, escaped


def _with_class(html: str, name: str) -> SafeString:
    """Html whose first class attribute has one more class."""
    return mark_safe(html.replace(' class="', f' class="{name} ', 1) if name else html)  # noqa: S308 -- Django's, escaped


@register.filter
def link_filters(cl: Any) -> Any:
    """The list filters whose values are links; of a list that is Django's, all."""
    return getattr(cl, "link_filters", cl.filter_specs)


@register.filter
def buttons(action_form: Any) -> list[tuple[str, Any, Any]]:
    """`(name, what its button says, description)`: a blank one first, deletion last."""
    choices = action_form.fields["action"].choices
    return sorted(
        ((name, BUTTONS.get(name, label), label) for name, label in choices),
        key=lambda button: button[0] == "delete_selected",
    )
