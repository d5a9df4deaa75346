"""The token that a page's form has."""

import html
import re

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
