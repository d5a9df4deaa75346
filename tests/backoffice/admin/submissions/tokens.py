"""The token that a page's form has, and forms sent with it."""

import html
import re

from tests.backoffice.admin.pages import form_data

ORIGIN = {"HTTP_ORIGIN": "http://testserver"}


def token(page):
    """As a browser would send it: `{"_once": …}`."""
    found = re.search(r'name="_once" value="([^"]*)"', page.text)
    return {"_once": html.unescape(found[1])}


def csrf(page):
    found = re.search(r'name="csrfmiddlewaretoken" value="([^"]*)"', page.text)
    return {"csrfmiddlewaretoken": found[1]}


def hidden(page, form="kept-form"):
    """The hidden inputs of a form of the page, as they would be sent: `{name: [values]}`."""
    text = page.text.partition(f'id="{form}"')[2].partition("</form>")[0]
    sent = {}
    for name, value in re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"', text):
        sent.setdefault(html.unescape(name), []).append(html.unescape(value))
    return sent


def said(response):
    """The messages of the page that a response leads to."""
    return [str(message) for message in response.context["messages"]]


def twice(client, address, data):
    """What a form leads to, sent twice; files are read anew each time."""
    sent = [
        client.post(address, {k: v() if callable(v) else v for k, v in data.items()})
        for _ in range(2)
    ]
    assert [response.status_code for response in sent] == [302, 302]
    assert sent[0].url == sent[1].url
    return client.get(sent[1].url)


def filled(client, address, **data):
    """What a form sends: its own inputs, its token, and `data`."""
    page = client.get(address)
    return form_data(page) | token(page) | data
