"""The pictures of README and docs, taken anew: `make screenshots`."""

import os
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.browser.conftest import ARGUMENTS, find_chromium
from tests.browser.server import ROOT, prepare, serve

PAGES = {"start": "index", "review": "import review", "admin": "library list"}


def main():
    os.environ.update(DEBUG="off", HTTPS="off", SECRET_KEY="only-for-screenshots")
    with tempfile.TemporaryDirectory() as folder:
        prepare(Path(folder))
        with serve(Path(folder)) as server, sync_playwright() as playwright:
            take(server, playwright)


def take(server, playwright):
    browser = playwright.chromium.launch(executable_path=find_chromium(), args=ARGUMENTS)
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    cookie = {"name": "sessionid", "value": server.sessions["admin"], "url": server.url}
    page.context.add_cookies([cookie])
    for name, address in PAGES.items():
        page.goto(server.url + server.pages[address])
        page.screenshot(path=ROOT / "docs" / "images" / f"{name}.png")
    browser.close()


if __name__ == "__main__":
    main()
