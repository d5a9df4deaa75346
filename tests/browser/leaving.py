"""Leaving a page: whether the browser asks first."""


def leaving(page, act, *, stay=True):
    """Do `act`, which leaves the page; return whether the browser asked first.

    stay: the answer to the question.
    """
    asked = []

    def answer(dialog):
        asked.append(dialog.type)
        dialog.dismiss() if stay else dialog.accept()

    page.on("dialog", answer)
    try:
        act()
        page.wait_for_timeout(150)  # the question comes a moment after the click
    finally:
        page.remove_listener("dialog", answer)
    assert set(asked) <= {"beforeunload"}
    return bool(asked)
