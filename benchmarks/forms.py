"""The data that a browser would send for a form of the admin, read from its page."""

from html.parser import HTMLParser
from urllib.parse import urlencode

UNSENT = {"submit", "button", "file", "image", "reset"}


class _Form(HTMLParser):
    """Collects `(name, value)` of the form whose id ends with `_form`."""

    def __init__(self):
        super().__init__()
        self.fields, self.is_ours, self.select, self.textarea = [], False, None, None

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        if tag == "form":
            self.is_ours = (given.get("id") or "").endswith("_form")
        if not self.is_ours or "form" in given:
            return
        name, kind = given.get("name"), given.get("type")
        if tag == "input" and name and kind not in UNSENT:
            if kind not in ("checkbox", "radio") or "checked" in given:
                self.fields.append((name, given.get("value") or ""))
        elif tag == "select":
            self.select = name
        elif tag == "option" and self.select and "selected" in given:
            self.fields.append((self.select, given.get("value") or ""))
        elif tag == "textarea" and name:
            self.textarea = name
            self.fields.append((name, ""))

    def handle_data(self, data):
        if self.textarea:
            self.fields[-1] = (self.textarea, self.fields[-1][1] + data)

    def handle_endtag(self, tag):
        if tag == "form":
            self.is_ours = False
        elif tag == "select":
            self.select = None
        elif tag == "textarea":
            self.textarea = None


def changed_form(page, change):
    """The body of a POST of the form on `page`; `change(name, value)` returns each value."""
    form = _Form()
    form.feed(page)
    return urlencode([(name, change(name, value)) for name, value in form.fields])
