"""What a page takes to load: requests with an empty cache; and it stays where it was drawn."""

import pytest

MOST = 12  # requests of a page
STILL = 0.05  # of a layout shift: on a busy machine a table is drawn while its rows come
SHIFTS = """
window.shifts = 0;
new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
        window.shifts += entry.hadRecentInput ? 0 : entry.value;
    }
}).observe({type: "layout-shift", buffered: true});
"""
PAGES = (
    "index",
    "search",
    "library list",
    "activity",
    "library change",
    "library add",
    "patron change",
    "book change",
    "library of many patrons",
    "user change",
    "import columns",
    "import review",
    "import done",
)


@pytest.mark.parametrize("width", [1280, 390])
def test_pages_take_few_requests_and_stay_where_they_are(open_page, server, width):
    for name in PAGES:
        page = open_page("about:blank", viewport={"width": width, "height": 900})
        page.add_init_script(SHIFTS)
        asked = []
        page.on("request", lambda request, asked=asked: asked.append(request.url))
        page.goto(server.pages[name])
        page.wait_for_load_state("networkidle")
        assert len(asked) <= MOST, (name, asked)
        assert page.evaluate("window.shifts") <= STILL, name
        page.close()
