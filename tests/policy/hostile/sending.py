"""Sends a hostile request, and says what is wrong with the answer."""

import logging
import re
from contextlib import contextmanager

import pytest
from django.db import transaction
from django.test import Client

from backoffice.filters.models import SavedFilter
from tests.policy import asking
from tests.policy.hostile.texts import MARK
from tests.policy.test_policy import address_of, model_of

#: What the marks would be, if a page had them unescaped.
ALIVE = re.compile(rf"<script>{MARK}|<img src=x|<svg/onload|\" onfocus={MARK}|' onfocus={MARK}")


class Sender:
    """A superuser who sends what no page of the site does. Nothing of it is kept."""

    def __init__(self, world):
        self.world = world
        self.client = Client()
        self.client.force_login(world.maker)
        if (SavedFilter, world.maker) not in world.owned:
            world.add_account(world.maker)

    def sent(self, row):
        """`(address, Sent)` of a row of the policy."""
        model = model_of(row)
        sent = asking.sent(row, self.world, model, self.world.maker)
        return address_of(row, model, sent), sent

    def send(self, method, address, *args, **kwargs):
        """What is wrong with the answer; "" if nothing is."""
        with transaction.atomic():
            try:
                with noted() as lines:
                    response = getattr(self.client, method)(address, *args, **kwargs)
                    content = (
                        b"".join(response.streaming_content)
                        if response.streaming
                        else response.content
                    )
                return problem(response, content, lines)
            except Exception as error:
                return f"{type(error).__name__}: {error}"[:300]
            finally:
                transaction.set_rollback(True)
                self.world.files.restore()


@contextmanager
def noted():
    """Yields the lines of the log that are written meanwhile."""
    lines: list[str] = []

    class Handler(logging.Handler):
        def emit(self, record):
            record.exc_info = record.exc_text = None
            lines.append((logging.getLogger().handlers and self.format(record)) or "")

    handler = Handler()
    logging.getLogger().addHandler(handler)
    try:
        yield lines
    finally:
        logging.getLogger().removeHandler(handler)


def report(found):
    """Fail with those of `[(where, what, kind, what is wrong)]` where something is."""
    wrong = [": ".join(each) for each in found if each[-1]]
    if wrong:
        pytest.fail("\n".join(wrong[:100]), pytrace=False)


def problem(response, content, lines):
    if response.status_code >= 500:
        return str(response.status_code)
    if response.status_code // 100 == 3:
        where = response.headers["Location"]
        if re.match(r"//|\w+:|.*[\r\n]", where):
            return f"sends to {where[:100]!r}"
    is_page = response.headers.get("Content-Type", "").startswith("text/html")
    if is_page and (found := ALIVE.search(content.decode("utf-8", "replace"))):
        return f"has {found[0]!r} unescaped"
    if any("\n" in line or "\r" in line for line in lines):
        return f"forges lines of the log: {lines}"
    return ""
