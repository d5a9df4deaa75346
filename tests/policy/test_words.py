"""What pages say to staff, in English and in Spanish: no words of programmers.

A page of each URL of the policy is read as the superuser sees it, after GET and, where nothing
is written, after POST.
"""

import re
from html.parser import HTMLParser
from http.cookies import SimpleCookie

import pytest
from django.db import transaction
from django.test import Client

from library.models import Book, Librarian, Library, Patron
from tests.policy import asking
from tests.policy.answers import watched
from tests.policy.identities import make_account
from tests.policy.table import read
from tests.policy.test_policy import address_of, model_of

pytestmark = pytest.mark.django_db

SPOKEN = ("title", "alt", "placeholder", "aria-label", "aria-description", "data-l")
#: Not words: what is typed into an address, or stands in a file.
QUIET = ("script", "style", "textarea", "samp")
NAMES = {
    field.name
    for model in (Library, Patron, Librarian, Book)
    for field in model._meta.get_fields()
    if "_" in field.name
}
FORBIDDEN = re.compile(
    rf"\bobje(?:ct|to)s?\b|\b(?:{'|'.join(sorted(NAMES))}|\w+_set)\b", re.IGNORECASE
)
HEADERS = re.compile(r"\b(?:CSV|XLSX): .*")  # those of a file that was exported
#: The manual is for those who run the site, too.
UNREAD = ("site.help", "site.jsi18n", "site.autocomplete", "site.logout")


class Reader(HTMLParser):
    """The words of a page, those that are read aloud included."""

    def __init__(self):
        super().__init__()
        self.words, self.skipped = [], 0

    def handle_starttag(self, tag, attrs):
        self.skipped += tag in QUIET
        found = dict(attrs)
        self.words += [found[name] for name in SPOKEN if found.get(name)]
        if tag == "input" and found.get("type") in ("submit", "button"):
            self.words.append(found.get("value") or "")

    def handle_endtag(self, tag):
        self.skipped -= tag in QUIET

    def handle_data(self, data):
        if not self.skipped:
            self.words.append(data)


def said(text):
    reader = Reader()
    reader.feed(text)
    return "\n".join(reader.words)


def pages(world, client, account):
    """`(name, text)` of each page."""
    cookies = client.cookies.output(header="", sep=";")
    for row in read()[1]:
        if row.url.startswith(UNREAD):
            continue
        model = model_of(row)
        sent = asking.sent(row, world, model, account)
        address = address_of(row, model, sent)
        # Of what is done in two steps, the page that asks first.
        asked = {k: v for k, v in sent.data.items() if k not in ("post", "_apply")}
        for method, data in (("get", {}), ("post", asked)):
            with transaction.atomic(), watched():
                answer = getattr(client, method)(address, data)
                is_page = not answer.streaming and "html" in answer.get("Content-Type", "")
                if answer.streaming:
                    b"".join(answer.streaming_content)  # else its end is told at any time
                if is_page:
                    yield f"{row.name} {method}", answer.text
                if "messages" in answer.cookies:
                    yield f"{row.name} {method}: messages", client.get("/admin/").text
                transaction.set_rollback(True)
            world.files.restore()
            client.cookies = SimpleCookie(cookies)


@pytest.mark.slow
@pytest.mark.parametrize("language", ["en", "es"])
def test_no_page_has_words_of_programmers(world, language):
    account = make_account("superuser")
    world.add_account(account)
    client = Client(headers={"Accept-Language": language})
    client.force_login(account)
    found, seen = set(), 0
    for name, text in pages(world, client, account):
        seen += 1
        assert "<html" not in text or f'lang="{language}"' in text, name
        found |= {
            f"{name}: …{words[max(0, hit.start() - 60) : hit.end() + 40]!r}"
            for words in [HEADERS.sub("", said(text))]
            for hit in FORBIDDEN.finditer(words)
        }
    assert seen > 150
    if found:
        pytest.fail("\n".join(sorted(found)), pytrace=False)


def test_a_page_is_read_as_it_is_heard():
    page = '<a title="An object" href="/object/">A <b>zip_code</b></a><script>object</script>'
    assert FORBIDDEN.findall(said(page)) == ["object", "zip_code"]
    assert not FORBIDDEN.search(said("<p>Its ZIP code</p>"))
