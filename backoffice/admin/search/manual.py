"""Pages of the manual, among what a search over everything finds."""

from collections.abc import Iterator

from django.contrib.admin.sites import AdminSite
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from backoffice.admin.help import pages
from backoffice.admin.search.hits import MOST, Hit, Kind, provider


@provider
def manual_hits(site: AdminSite, request: HttpRequest, term: str) -> Iterator[Kind]:
    """Pages and sections by their titles, those about what the user may do first."""
    if isinstance(site, pages.HelpPages):
        found = pages.find(request, term, limit=MOST + 1, in_titles=True)
        hits = [Hit(hit.title, site.hit_address(hit), hit.excerpt) for hit in found[:MOST]]
        more = site.search_address(term) if len(found) > MOST else ""
        yield Kind(_("Help"), hits, more)
