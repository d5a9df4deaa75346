"""The name of an export's file, and a description of its selection."""

import re
from collections.abc import Iterable
from typing import Any

from django.contrib.admin.views import main
from django.db.models import Model
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import gettext as _

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
MOST = 180  # bytes of a file's name; file systems take 255
#: Query parameters of a list that don't select rows.
_NO_FILTERS = {
    *main.IGNORED_PARAMS,
    main.PAGE_VAR,
    main.ERROR_FLAG,
    "_changelist_filters",
    "_columns",
    "_view",
}


def filters_of(params: Any) -> list[tuple[str, str]]:
    """The filters of a list's query parameters, as `(name, value)`; the search too."""
    search = [(_("search"), params[main.SEARCH_VAR])] if params.get(main.SEARCH_VAR) else []
    return search + [
        (name, value)
        for name, values in params.lists()
        if name not in _NO_FILTERS
        for value in values
        if value
    ]


def describe(filters: Iterable[tuple[str, str]], ticked: int = 0) -> str:
    """`"state=NY, 3 ticked"`; "" for all rows."""
    parts = [f"{name}={value}" for name, value in filters]
    return ", ".join([*parts, *said_ticked(ticked)])


def said_ticked(number: int) -> list[str]:
    """How many rows were ticked; empty if none was."""
    return [_("%d ticked") % number] if number else []


def label_of(resource: Any, name: str) -> str:
    """What a column is called; "" where it has no label, or is not there any more."""
    if name in resource.related:
        return str(capfirst(resource.related[name].label))
    labels = resource.labels_of(name) if name in resource.fields else ()
    return str(capfirst(labels[0])) if labels else ""


def on_one_line(text: object) -> str:
    """`text` for a log, without line breaks and other control characters."""
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", str(text))


def file_name(
    model: type[Model], filters: Iterable[tuple[str, str]], extension: str, ticked: int = 0
) -> str:
    """A name that every file system takes: `"libraries state-NY 2026-11-25.csv"`."""
    parts = [str(model._meta.verbose_name_plural)]
    parts += [f"{name.replace('__', '-')}-{value}" for name, value in filters]
    parts += said_ticked(ticked)
    text = re.sub(r"[^\w.,()&+@' -]+", "-", " ".join(" ".join(parts).split()))
    text = text.encode()[:MOST].decode(errors="ignore").strip(" .-")
    return f"{text} {timezone.localdate().isoformat()}.{extension}"
