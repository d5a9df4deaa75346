"""A page of the manual as HTML, with the addresses that it has here."""

import posixpath
import re
from collections.abc import Callable, Sequence
from typing import Any

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token

from backoffice.manual.pages import INDEX, PARSER, Page, image

#: The address of a page by its name ("" is the index), and of an image by its file's name.
Address = Callable[[str], str]
EXTERNAL = re.compile(r"https?://|mailto:")


def html(
    page: Page, names: set[str], page_address: Address, image_address: Address
) -> SafeString:
    """The page without its title. names: of the pages that there are to lead to."""
    tokens = page.tokens
    if tokens and tokens[0].tag == "h1":
        tokens = tokens[3:]  # opened, its text, closed
    renderer = _Renderer(page, names, page_address, image_address)
    return mark_safe(renderer.render(tokens, PARSER.options, {}))  # noqa: S308 -- escaped


class _Renderer(RendererHTML):
    """Links lead to the pages here; one that leads out of the manual becomes plain text.

    Of raw HTML, line breaks alone are let through: cells of tables have no other.
    """

    def __init__(
        self, page: Page, names: set[str], page_address: Address, image_address: Address
    ) -> None:
        super().__init__()
        self._page, self._names = page, names
        self._page_address, self._image_address = page_address, image_address
        self._end = ""  # of the link that is open; they don't nest

    def text(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        return str(escape(tokens[idx].content)).replace("&lt;br&gt;", "<br>")

    def link_open(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        href = self._target(str(tokens[idx].attrGet("href")))
        self._end = "</a>" if href else ""
        return f'<a href="{escape(href)}">' if href else ""

    def link_close(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        return self._end

    def image(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        token = tokens[idx]
        name = posixpath.basename(str(token.attrGet("src")))
        alt = escape(token.content)
        if image(name) is None:
            return str(alt)
        return f'<img src="{escape(self._image_address(name))}" alt="{alt}" loading="lazy">'

    def _target(self, href: str) -> str:
        if href.startswith("#") or EXTERNAL.match(href):
            return href
        path, _hash, anchor = href.partition("#")
        name = posixpath.normpath(posixpath.join(self._page.kind, path)).removesuffix(".md")
        if name != INDEX and name not in self._names:
            return ""
        address = self._page_address("" if name == INDEX else name)
        return f"{address}#{anchor}" if anchor else address
