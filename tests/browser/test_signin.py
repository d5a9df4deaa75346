"""Signing in as it is in a browser: two steps, the set-up, the lock-out, the link."""

import base64
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from django_otp.oath import TOTP

from tests.browser.clean import WIDE, assert_clean
from tests.browser.conftest import Pages
from tests.browser.server import ROOT, environment, serve

PASSWORD = "walk the pages"
SHOTS = os.environ.get("SCREENSHOTS")  # a folder, to look at the pages


@pytest.fixture
def folder(prepared, tmp_path):
    return shutil.copytree(prepared, tmp_path / "data")


@pytest.fixture
def page(chromium, folder):
    with serve(folder, EMAIL_URL=f"filemail:///{folder}/mail") as running:
        pages = Pages(chromium, running)
        yield pages.open("/admin/login/", user=None, viewport=WIDE)
        problems = [each for each in pages.problems() if "status of 4" not in each]
        pages.close()
    assert not problems


def look(page, name):
    assert_clean(page, in_all_looks=True)
    for width in (390, 1280) if SHOTS else ():
        for scheme in ("light", "dark"):
            page.set_viewport_size({"width": width, "height": 900})
            page.emulate_media(color_scheme=scheme)
            path = Path(SHOTS) / f"{name}-{width}-{scheme}.png"
            page.screenshot(path=path, full_page=True)


def sign_in(page, password=PASSWORD):
    page.goto("/admin/login/?next=/admin/auth/")
    page.fill("#id_username", "admin")
    page.fill("#id_password", password)
    page.click("input[type=submit]")


def code_of(secret, later=0):
    totp = TOTP(base64.b32decode(secret.replace(" ", "")))
    totp.time = time.time() + later
    return f"{totp.token():06}"


def link_of(folder):
    """As whoever looks after the site prints it."""
    command = [sys.executable, "manage.py", "unlock", "admin", "--site", "http://localhost"]
    done = subprocess.run(
        command, cwd=ROOT, env=environment(folder), capture_output=True, text=True, check=True
    )
    return done.stdout.strip().partition("localhost")[2]


def test_the_way_in(page, folder):
    look(page, "login")
    page.click("text=Sign in by a link")
    look(page, "link")
    page.fill("#id_username", "admin")
    page.click("input[type=submit]")
    page.wait_for_selector("text=a link is on its way there")
    look(page, "link-sent")

    # Set up
    sign_in(page)
    page.click("#account-button")
    page.click("text=Second factor")
    look(page, "set-up")
    secret = page.inner_text(".secret")
    page.fill("#id_code", "000000")
    page.click("text=Turn it on")
    page.wait_for_selector("text=This is not the code of this secret")
    look(page, "set-up-wrong")
    assert page.inner_text(".secret") == secret
    page.fill("#id_code", code_of(secret))
    page.keyboard.press("Enter")
    page.wait_for_selector("text=shown only now")
    look(page, "codes")
    codes = page.locator(".recovery-codes code").all_inner_texts()
    page.click("text=I have them")
    page.click("#account-button")
    page.click("text=Second factor")
    look(page, "second-factor")

    # Two steps
    page.click("#account-button")
    page.click("text=Log out")
    sign_in(page)
    page.wait_for_selector("text=type the code that your app shows")
    look(page, "code")
    page.fill("#id_code", code_of(secret, later=30))
    page.keyboard.press("Enter")
    page.wait_for_url("**/admin/auth/")
    page.click("#account-button")
    page.click("text=Log out")

    # Locked out, and in by the link
    for _ in range(11):
        sign_in(page, "wrong")
    page.wait_for_selector("text=Too many wrong passwords")
    look(page, "locked-out")
    page.goto(link_of(folder))
    look(page, "by-link")
    page.click("input[type=submit]")
    page.fill("#id_code", codes[0])
    page.keyboard.press("Enter")
    page.wait_for_url("**/admin/")
    page.goto("/admin/auth/user/")
    page.click("#result_list >> text=colleague")
    look(page, "account")
