"""The pages of the manual on an AdminSite, and what leads to them."""

from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import NoReverseMatch, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from backoffice.admin.help.sections import section
from backoffice.manual import pages
from backoffice.manual.concerns import concerns
from backoffice.manual.html import html
from backoffice.manual.search import Hit, search

#: The folders of the manual, in words.
KINDS = {
    "how-to": gettext_lazy("How to"),
    "": gettext_lazy("To learn"),
    "reference": gettext_lazy("To look up"),
    "explanation": gettext_lazy("To understand"),
}


class HelpPages(admin.AdminSite):
    """For an AdminSite: the manual, for who is signed in."""

    def get_urls(self) -> list[Any]:
        view = self.admin_view
        return [
            path("help/", view(self.help_view), name="help"),
            path("help/images/<str:name>", view(self.help_image_view), name="help_image"),
            path("help/<path:name>/", view(self.help_page_view), name="help_page"),
            *super().get_urls(),
        ]

    def help_view(self, request: HttpRequest) -> HttpResponse:
        """All pages, those that concern the user first; or what was searched for."""
        text = request.GET.get("q", "").strip()
        found = pages.pages()
        context = {
            "title": _("Help"),
            "asked": text,
            "hits": [(hit, self.hit_address(hit)) for hit in find(request, text)],
            "is_there": bool(found),
            "groups": self._groups(request, found),
        }
        return self._framed(request, "index", context)

    def help_page_view(self, request: HttpRequest, name: str) -> HttpResponse:
        """One page of the manual."""
        found = pages.pages()
        page = found.get(name)
        if page is None:
            raise Http404
        body = html(page, set(found), self._address, self._image_address)
        context = {
            "title": page.title,
            "body": body,
            "sections": page.sections[1:],
            "kind": KINDS.get(page.kind, ""),
        }
        return self._framed(request, "page", context)

    def help_image_view(self, request: HttpRequest, name: str) -> HttpResponse:
        """An image of the manual."""
        file = pages.image(name)
        if file is None:
            raise Http404
        return HttpResponse(file.read_bytes(), content_type=pages.IMAGES[file.suffix])

    def _groups(
        self, request: HttpRequest, found: dict[str, pages.Page]
    ) -> list[tuple[str, list[tuple[pages.Page, str]]]]:
        """`[(title, [(page, address)])]`: for the user, then what else there is."""
        groups: dict[str, list[tuple[pages.Page, str]]] = {}
        mine, others = str(_("For you")), str(_("For other roles"))
        for name, page in found.items():
            if not concerns(name, request.user):
                title = others
            elif page.kind == "how-to" and not request.user.is_superuser:
                title = mine
            else:
                title = str(KINDS.get(page.kind, others))
            groups.setdefault(title, []).append((page, self._address(name)))
        order = [mine, *map(str, KINDS.values()), others]
        return [(title, groups[title]) for title in order if title in groups]

    def hit_address(self, hit: Hit) -> str:
        """Where a hit of the search leads."""
        return self._address(hit.page.name, hit.anchor)

    def search_address(self, text: str) -> str:
        """The page with all hits."""
        return f"{self._address('')}?{urlencode({'q': text})}"

    def _address(self, name: str, anchor: str = "") -> str:
        address = reverse(f"{self.name}:help_page", args=[name]) if name else ""
        address = address or reverse(f"{self.name}:help")
        return f"{address}#{anchor}" if anchor else address

    def _image_address(self, name: str) -> str:
        return reverse(f"{self.name}:help_image", args=[name])

    def _framed(
        self, request: HttpRequest, template: str, context: dict[str, Any]
    ) -> HttpResponse:
        request.current_app = self.name
        context = {**self.each_context(request), **context}
        return TemplateResponse(request, f"admin/backoffice/help/{template}.html", context)


def find(
    request: HttpRequest, text: str, *, limit: int = 30, in_titles: bool = False
) -> list[Hit]:
    """What the manual has of `text`, for this user: see `backoffice.manual.search`."""
    user = request.user
    return search(
        text,
        pages.pages(),
        lambda name: concerns(name, user),
        limit=limit,
        in_titles=in_titles,
    )


def help_address(request: HttpRequest, template: str = "") -> str:
    """The address of the section about the page of this request; "" where there is no help.

    template: the name of the one that shows the page.
    """
    match = request.resolver_match
    app = getattr(request, "current_app", None) or (match and match.namespace) or None
    about = section(match.url_name if match and match.url_name else "", template)
    return section_address(about or "", app)


def section_address(about: str, app: str | None) -> str:
    """The address of a page or section, such as `how-to/export#in-the-admin`.

    Of the index where the manual has no such page; "" where the site has no help.
    """
    try:
        index = reverse("admin:help", current_app=app)
    except NoReverseMatch:
        return ""
    name, _hash, anchor = about.partition("#")
    if name not in pages.pages():
        return index
    address = reverse("admin:help_page", args=[name], current_app=app)
    return f"{address}#{anchor}" if anchor else address
