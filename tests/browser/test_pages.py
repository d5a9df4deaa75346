"""Every page, light and dark, wide and narrow: accessible, within the policy, in one piece."""

import pytest

from tests.browser import names
from tests.browser.clean import WIDE, assert_clean
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


def test_the_walk_covers_every_page(server):
    assert list(server.pages) == list(names.PAGES)
