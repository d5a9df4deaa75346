"""Two libraries of one name: staff see which one they choose, and which one they delete."""

from tests.browser.clean import assert_clean
from tests.browser.test_tasks import imported  # noqa: F401 -- a fixture

HEADER = "name,address,state,phone_number,zip_code"
NEW_YORK, NEW_JERSEY = "Twin Branch — 10016, New York", "Twin Branch — 08542, New Jersey"


def test_the_right_one_of_two_is_chosen_and_confirmed(open_page, imported):  # noqa: F811
    imported(
        "library",
        HEADER,
        [
            "Twin Branch,1 Main Street,NY,212-222-6559,10016",
            "Twin Branch,1 Main Street,NJ,609-924-9529,08542",
        ],
    )
    page = open_page("/admin/library/patron/add/")
    page.fill("#id_name", "Reader of Twins")
    page.click(".select2-selection")
    page.keyboard.type("twin branch")
    options = page.locator(".select2-results__option:has-text('Twin')")
    options.nth(1).wait_for()
    assert set(options.all_text_contents()) == {NEW_YORK, NEW_JERSEY}
    options.filter(has_text=NEW_JERSEY).click()
    assert NEW_JERSEY in page.inner_text(".select2-selection__rendered")
    page.click("input[name=_save]")
    page.wait_for_selector(".messagelist .success")
    page.goto("/admin/library/patron/?q=reader+of+twins")
    assert page.inner_text("#result_list td.field-library") == NEW_JERSEY
    assert_clean(page)
    page.click("#result_list tbody th a")
    page.click(".deletelink")
    page.click("input[type=submit]")  # so that the import of its library can be undone
    page.wait_for_selector(".messagelist .success")

    page.goto("/admin/library/library/?q=twin&state=NJ")
    page.click("#result_list tbody th a")
    page.click(".deletelink")
    assert NEW_JERSEY in page.inner_text("#content")
    assert NEW_YORK not in page.inner_text("#content")
