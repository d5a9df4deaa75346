"""What a search over everything finds, and who finds it.

Whatever has something to find registers a function once, when it is imported:

    @provider
    def manual_hits(site, request, term):
        yield Kind(_("Manual"), [Hit("Filter a list", "/admin/help/filter/")])

It is called with the site, the request and what was typed. It yields kinds of hits, best first
and at most MOST of each, and leaves out what the user may not see.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.admin.sites import AdminSite
from django.http import HttpRequest

MOST = 5  # hits of a kind


@dataclass(frozen=True)
class Hit:
    """A link: `text`, which is what it is called, `url`, and a `detail` that tells it apart."""

    text: str
    url: str
    detail: str = ""


@dataclass(frozen=True)
class Kind:
    """Hits of one kind, best first.

    more: the URL of a page with all of them, if there are more.
    """

    title: Any
    hits: Sequence[Hit]
    more: str = ""


Provider = Callable[[AdminSite, HttpRequest, str], Iterable[Kind]]

_providers: list[Provider] = []


def provider(function: Provider) -> Provider:
    """Have the search over everything ask `function`, after those that are registered."""
    _providers.append(function)
    return function


def find(site: AdminSite, request: HttpRequest, term: str) -> list[Kind]:
    """The kinds of which something was found; none without a word in `term`."""
    if not term.strip():
        return []
    return [kind for each in _providers for kind in each(site, request, term) if kind.hits]
