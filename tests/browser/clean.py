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
# There the row that saves covers nothing: what it covers elsewhere, one can scroll to.
TO_THE_END = """
if (document.querySelector(".change-form .submit-row"))
    scrollTo(0, document.documentElement.scrollHeight);
"""
WIDE, NARROW = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
# Of a long table, the first rows are looked at: the others are made as they are.
LOOKED_AT = {"exclude": [["tbody > tr:nth-child(n+16)"]]}


def axe_violations(page, rules=TAGS):
    options = json.dumps({"runOnly": rules, "resultTypes": ["violations"], "preload": False})
    result = page.evaluate(f"axe.run({json.dumps(LOOKED_AT)}, {options})")
    return [
        f"{violation['id']}: {node['html'][:160]} {node['target']} {node['failureSummary']}"
        for violation in result["violations"]
        for node in violation["nodes"]
    ]


def assert_clean(page, *, in_all_looks=False):
    """Wide and light, then narrow and dark.

    in_all_looks: in both schemes at both widths, for a page that is looked at once.
    """
    found = []
    page.evaluate(AXE)
    for size, usual in ((WIDE, "light"), (NARROW, "dark")):
        page.set_viewport_size(size)
        for scheme in ("light", "dark"):
            if scheme != usual and not in_all_looks:
                continue
            page.emulate_media(color_scheme=scheme)
            page.evaluate(END_TRANSITIONS)
            page.evaluate(TO_THE_END)
            where = f"{size['width']} {scheme}"
            violations = axe_violations(page, TAGS if scheme == usual else COLOURS)
            found += [f"{where} {violation}" for violation in violations]
        width = page.evaluate("document.scrollingElement.scrollWidth")
        if width > size["width"]:
            found.append(f"{size['width']} scrolls sideways: {width}")
    assert not found, "\n".join(found)
