"""Every page, light and dark, wide and narrow: accessible, within the policy, in one piece."""

import pytest

from tests.browser import names
from tests.browser.clean import WIDE, assert_clean


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
