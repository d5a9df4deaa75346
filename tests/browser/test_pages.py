"""Every page, light and dark, wide and narrow: accessible, within the policy, in one piece."""

import pytest

from tests.browser import names
from tests.browser.clean import AXE, WIDE, assert_clean, axe_violations
from tests.browser.conftest import Pages


@pytest.fixture(scope="module")
def tab(chromium, server):
    """One for all: to open it takes longer than to load a page in it."""
    pages = Pages(chromium, server)
    yield pages.open("/admin/", viewport=WIDE)
    pages.close()


@pytest.mark.parametrize("name", names.PAGES)
def test_a_page_is_clean(tab, server, name):
    tab.problems.clear()
    tab.set_viewport_size(WIDE)
    tab.emulate_media(color_scheme="light")
    tab.goto(server.pages[name])
    assert_clean(tab, in_all_looks=True)
    if name == "not found":
        # The console tells of the page's own status.
        tab.problems[:] = [
            problem for problem in tab.problems if "status of 404" not in problem
        ]
    assert not tab.problems


@pytest.mark.parametrize("percent", [200, 400])
@pytest.mark.parametrize(
    "name", ["index", "library list", "library change", "import review", "not found"]
)
def test_a_zoom_needs_no_scrolling_sideways(tab, server, name, percent):
    width = 1280 * 100 // percent
    tab.set_viewport_size({"width": width, "height": 1024 * 100 // percent})
    tab.goto(server.pages[name])
    assert tab.evaluate("document.scrollingElement.scrollWidth") <= width
    tab.evaluate(AXE)
    assert axe_violations(tab) == []
    header, tools = (tab.locator(part).bounding_box() for part in ("#header", "#user-tools"))
    assert tools["y"] + tools["height"] <= header["y"] + header["height"]


def test_on_paper_there_is_the_list_alone(tab, server):
    tab.goto(server.pages["library list"])
    tab.emulate_media(media="print")
    try:
        assert tab.locator("#result_list tbody tr").first.is_visible()
        for part in ("#header", "#menu", ".breadcrumbs", ".object-tools", ".action-select"):
            assert not tab.locator(part).first.is_visible(), part
    finally:
        tab.emulate_media(media="screen")


def test_the_walk_covers_every_page(server):
    assert list(server.pages) == list(names.PAGES)
