"""Reads `policy.txt` and `limits.txt`, and lists the URLs of the resolver as they name them."""

import re
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from django.contrib import admin
from django.urls import URLResolver, get_resolver

POLICY = Path(__file__).with_name("policy.txt")
LIMITS = Path(__file__).with_name("limits.txt")
SHORT = "(short address)"  # of Django's redirect from …/1/ to …/1/change/


@dataclass(frozen=True)
class Row:
    """A row of the table for one URL.

    url: `library.patron.change` · case: what is done there, where one URL does several things ·
    cells: `{identity: symbols of GET and of POST}` · writes: the table that a `w` writes; that
    of the model is `its own`
    """

    url: str
    case: str
    cells: dict[str, str]
    writes: str = ""

    @property
    def name(self) -> str:
        return f"{self.url}: {self.case}" if self.case else self.url


def spelled_out(name: str) -> list[str]:
    """`a.{b,c}.d` as `a.b.d` and `a.c.d`, as a shell does it."""
    parts = [part.split(",") for part in re.split(r"[{}]", name)]
    return ["".join(each) for each in product(*parts)]


def read(path: Path = POLICY) -> tuple[list[str], list[Row]]:
    """`(identities, rows)` of a table."""
    identities: list[str] = []
    rows = []
    for line in path.read_text().splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        name, *columns = re.split(r"\s{2,}", line.strip())
        if name == "URL":
            identities = [column for column in columns if column != "writes"]
            continue
        url, _colon, case = name.partition(": ")
        cells = dict(zip(identities, columns, strict=False))
        writes = columns[len(identities) :]
        rows += [Row(each, case, cells, *writes) for each in spelled_out(url)]
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
