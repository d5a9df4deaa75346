"""Every page, light and dark, wide and narrow: accessible, within the policy, in one piece."""

import json
from importlib.resources import files

import pytest

from tests.browser import names

AXE = (files("axe_playwright_python") / "axe.min.js").read_text()
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
WIDE, NARROW = {"width": 1280, "height": 900}, {"width": 390, "height": 844}


def axe_violations(page):
    options = json.dumps({"runOnly": TAGS, "resultTypes": ["violations"], "preload": False})
    result = page.evaluate(f"axe.run({options})")
    return [
        f"{violation['id']}: {node['html'][:160]} {node['target']} {node['any'] and node['any'][0]['message']}"
        for violation in result["violations"]
        for node in violation["nodes"]
    ]


def assert_clean(page):
    """In both schemes and at both widths."""
    found = []
    page.evaluate(AXE)
    for size in (WIDE, NARROW):
        page.set_viewport_size(size)
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            page.evaluate("Promise.all(document.getAnimations().map((a) => a.finished))")
            where = f"{size['width']} {scheme}"
            found += [f"{where} {violation}" for violation in axe_violations(page)]
        width = page.evaluate("document.scrollingElement.scrollWidth")
        if width > size["width"]:
            found.append(f"{size['width']} scrolls sideways: {width}")
    assert not found, "\n".join(found)


@pytest.mark.parametrize("name", names.PAGES)
def test_a_page_is_clean(open_page, server, name):
    page = open_page(server.pages[name], viewport=WIDE)
    assert_clean(page)
    if name == "not found":
        # The console tells of the page's own status.
        page.problems[:] = [
            problem for problem in page.problems if "status of 404" not in problem
        ]


def test_the_walk_covers_every_page(server):
    assert list(server.pages) == list(names.PAGES)
