"""Two people at one record: the page shows both values, and asks."""

import re

from tests.browser.clean import assert_clean
from tests.browser.test_use import add_library, submit


def test_a_field_that_two_people_changed_is_asked_about(open_page):
    theirs = open_page("/admin/")
    add_library(theirs, "Two people")
    address = theirs.url
    mine = open_page(address, java_script_enabled=False)
    theirs.fill("#id_address", "2 Their Street")
    theirs.fill("#id_name", "Two people, theirs")
    theirs.select_option("#id_state", "NJ")
    submit(theirs, "_continue")

    mine.fill("#id_address", "3 My Street")
    mine.fill("#id_name", "Two people, mine")
    submit(mine, "_continue")
    told = mine.text_content(".messagelist")
    assert re.search(r"State is now “New Jersey” \(.*, \d\d:\d\d:\d\d\)", told)
    errors = mine.locator(".errorlist").all_text_contents()
    assert re.search(r"Name is now “Two people, theirs” \(.*, \d\d:\d\d:\d\d\)", errors[0])
    assert "Address is now “2 Their Street”" in errors[1]
    assert mine.input_value("#id_name") == "Two people, mine"
    assert mine.input_value("#id_state") == "NJ"
    mine.get_by_label("Take “2 Their Street”").check()
    submit(mine, "_continue")
    assert mine.locator(".errorlist").count() == 0
    assert mine.input_value("#id_name") == "Two people, mine"
    assert mine.input_value("#id_address") == "2 Their Street"

    # With JavaScript, and axe.
    again = open_page(address)
    theirs.goto(address)
    theirs.fill("#id_name", "Two people, theirs again")
    submit(theirs, "_continue")
    again.fill("#id_name", "Two people, mine again")
    submit(again, "_continue")
    assert "Name is now “Two people, theirs again”" in again.text_content(".errorlist")
    assert_clean(again)
    again.focus(".take input:checked")
    again.keyboard.press("ArrowRight")
    submit(again, "_continue")
    assert again.input_value("#id_name") == "Two people, theirs again"

    # It is gone: what was typed comes back, and can be saved.
    again.fill("#id_name", "Two people, the second")
    theirs.goto(address.replace("change", "delete"))
    theirs.click("input[type=submit]")
    theirs.wait_for_load_state()
    submit(again)
    assert "“Two people, theirs again” was deleted meanwhile" in again.text_content(
        ".messagelist"
    )
    assert again.input_value("#id_name") == "Two people, the second"
    assert_clean(again)
    again.click("input[name=_save]")
    again.wait_for_load_state()
    assert "“Two people, the second” was added" in again.text_content(".messagelist")
