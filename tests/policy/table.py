"""Reads `policy.txt`, and lists the URLs of the resolver under the names that it uses."""

import re
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from django.contrib import admin
from django.urls import URLResolver, get_resolver

POLICY = Path(__file__).with_name("policy.txt")
SHORT = "(short address)"  # of Django's redirect from …/1/ to …/1/change/


@dataclass(frozen=True)
class Row:
    """A row of the table for one URL.

    url: `library.patron.change` · case: what is done there, where one URL does several things ·
    cells: `{identity: symbols of GET and of POST}` · inside, outside: what differs for who is
    limited to the row's library, and to another · writes: the table that a `w` writes; that of
    the model is `its own`
    """

    url: str
    case: str
    cells: dict[str, str]
    inside: str
    outside: str
    writes: str = ""

    @property
    def name(self) -> str:
        return f"{self.url}: {self.case}" if self.case else self.url

    def expected(self, role: str, place: str = "") -> str:
        """The two symbols for a role; place: "" without a scope, else inside or outside."""
        cell = self.cells[role]
        differs = {"": "==", "inside": self.inside, "outside": self.outside}[place]
        return "".join(
            symbol if other == "=" or symbol in "s-x" else other
            for symbol, other in zip(cell, differs, strict=True)
        )


def spelled_out(name: str) -> list[str]:
    """`a.{b,c}.d` as `a.b.d` and `a.c.d`, as a shell does it."""
    parts = [part.split(",") for part in re.split(r"[{}]", name)]
    return ["".join(each) for each in product(*parts)]


def read() -> tuple[list[str], list[Row]]:
    """`(identities, rows)` of the policy."""
    identities: list[str] = []
    rows = []
    for line in POLICY.read_text().splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        name, *columns = re.split(r"\s{2,}", line.strip())
        if name == "URL":
            identities = columns[: columns.index("inside")]
            continue
        url, _colon, case = name.partition(": ")
        of_each = dict(zip(identities, columns, strict=False))
        inside, outside, *writes = columns[len(identities) :]
        for each in spelled_out(url):
            rows.append(Row(each, case, of_each, inside, outside, *writes))
    return identities, rows


def urls() -> dict[str, str]:
    """The name of each URL of the resolver by the policy's name."""
    found = {}
    for names in walk(get_resolver()):
        found[policy_name(*names)] = names[0]
    return found


def walk(resolver, route=""):
    """`(name, route)` of each URL."""
    for pattern in resolver.url_patterns:
        below = route + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from walk(pattern, below)
        else:
            yield pattern.name or "", below


def policy_name(name: str, route: str) -> str:
    for model in admin.site._registry:
        opts = model._meta
        start = f"{opts.app_label}_{opts.model_name}_"
        if name.startswith(start):
            return f"{opts.label_lower}.{name.removeprefix(start)}"
        if not name and route == f"admin/{opts.app_label}/{opts.model_name}/<path:object_id>/":
            return f"{opts.label_lower}.{SHORT}"
    return f"site.{name or route or '(root)'}"
