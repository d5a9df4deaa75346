"""The linked rows of a many-to-many, from either side, for users who may only view them."""

from dataclasses import dataclass, field
from typing import Any

from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext as _

from backoffice.admin.pages import page_of
from backoffice.admin.pickers.horizontal import anchor_of
from backoffice.admin.pickers.links import Links
from backoffice.querysets.names import names
from backoffice.querysets.reach import Reach
from backoffice.querysets.relations import ManyToMany

NAMES_SHOWN = 100  # names of linked rows


@dataclass(frozen=True)
class LinkedNames:
    """The names of the first related rows that the user may see, as a read-only field."""

    name: str
    model_admin: Any = field(compare=False, repr=False)
    request: HttpRequest = field(compare=False, repr=False)

    @property
    def __name__(self) -> str:
        return self.name

    @property
    def related_admin(self) -> Any:
        return self.model_admin.related_admin(self.name)

    @property
    def short_description(self) -> Any:
        return self.related_admin.opts.verbose_name_plural

    def __call__(self, obj: Any) -> Any:
        relation = ManyToMany.of(self.model_admin.related_field(self.name))
        reach = Reach.of(self.request.user)
        links = Links(relation, self.related_admin.get_queryset(self.request), obj, reach=reach)
        rows = list(links.chosen()[: NAMES_SHOWN + 1])
        items = [
            format_html('<a href="{}">{}</a>', url, text) if url else text
            for row, text in zip(rows[:NAMES_SHOWN], names(rows, reach), strict=False)
            for url in [page_of(self.related_admin.admin_site, type(row), "change", row.pk)]
        ]
        if len(rows) > NAMES_SHOWN:
            items.append(_("%d more") % (links.count() - NAMES_SHOWN))
        if not items:
            empty = self.related_admin.get_empty_value_display()
            return format_html('<span id="{}">{}</span>', anchor_of(self.name), empty)
        return format_html(
            '<ul class="linked" id="{}">{}</ul>',
            anchor_of(self.name),
            format_html_join("", "<li>{}</li>", ((item,) for item in items)),
        )
