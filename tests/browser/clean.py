"""What makes a page clean."""

import json
from importlib.resources import files

AXE = (files("axe_playwright_python") / "axe.min.js").read_text()
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
COLOURS = ["color-contrast", "link-in-text-block"]  # all that depends on the scheme
# Not waited for: a page that the browser does not draw would never end them.
END_TRANSITIONS = """
for (const animation of document.getAnimations()) {
    if (animation instanceof CSSTransition) animation.finish();
}
"""
WIDE, NARROW = {"width": 1280, "height": 900}, {"width": 390, "height": 844}


def axe_violations(page, rules=TAGS):
    options = json.dumps({"runOnly": rules, "resultTypes": ["violations"], "preload": False})
    result = page.evaluate(f"axe.run({options})")
    return [
        f"{violation['id']}: {node['html'][:160]} {node['target']} {node['failureSummary']}"
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
            page.evaluate(END_TRANSITIONS)
            where = f"{size['width']} {scheme}"
            violations = axe_violations(page, TAGS if scheme == "light" else COLOURS)
            found += [f"{where} {violation}" for violation in violations]
        width = page.evaluate("document.scrollingElement.scrollWidth")
        if width > size["width"]:
            found.append(f"{size['width']} scrolls sideways: {width}")
    assert not found, "\n".join(found)
