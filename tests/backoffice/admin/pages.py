"""What the admin's tests share: addresses, form data, and counting statements."""

from html.parser import HTMLParser

from django.contrib import admin
from django.db import connection
from django.forms import FileField, MultiWidget
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from library.models import Book, Librarian, Library, Patron

DOMAIN = (Library, Patron, Librarian, Book)


def url(model, page, *args):
    opts = model._meta
    return reverse(f"admin:{opts.app_label}_{opts.model_name}_{page}", args=args)


def perm(action, model):
    return f"{model._meta.app_label}.{action}_{model._meta.model_name}"


def seeing_history(model):
    """The permissions to view the history of a model, and of its links."""
    records = model.history.model
    links = [getattr(records, field.name).model for field in records._history_m2m_fields]
    return [perm("view", each) for each in (records, *links)]


def statements(client, address):
    """How many statements a GET takes, once what the process remembers is known."""
    client.get(address)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        response = client.get(address)
    assert response.status_code == 200
    return len(queries)


def form_data(response, **changes):
    """What a browser would send of the form on the page, with `changes` made to it."""
    context = response.context
    forms = [context["adminform"].form]
    for inline in context["inline_admin_formsets"]:
        forms += [inline.formset.management_form, *inline.formset.forms]
    data = {
        f"{inline.formset.prefix}-SEEN": inline.formset.seen_text
        for inline in context["inline_admin_formsets"]
    }
    if seen := context.get("seen"):
        data["_seen"] = seen
    for form in forms:
        for bound in form:
            value = bound.value()
            if bound.field.show_hidden_initial:  # where the default differs each time
                hidden, name = bound.field.hidden_widget(), bound.html_initial_name
                if isinstance(hidden, MultiWidget):
                    parts = hidden.decompress(value)
                    data |= {f"{name}_{n}": part for n, part in enumerate(parts)}
                else:
                    data[name] = value
            if isinstance(bound.field.widget, MultiWidget):
                parts = bound.field.widget.decompress(value)
                data |= {f"{bound.html_name}_{n}": part or "" for n, part in enumerate(parts)}
            elif isinstance(value, list | tuple):
                data[bound.html_name] = [getattr(item, "pk", item) for item in value]
            elif isinstance(bound.field, FileField):
                continue  # a browser sends none of a file that is there
            elif value is not None and value is not False:
                data[bound.html_name] = value
    return data | changes


class Inputs(HTMLParser):
    """What a browser sends of the form with a CSRF token: `{name: value or list of values}`."""

    def __init__(self):
        super().__init__()
        self.pairs, self.form, self.select, self.text = [], None, None, None

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        name = given.get("name")
        if tag == "form":
            self.form = given.get("id", "").endswith("_form")
        if not self.form or "disabled" in given:
            return
        if tag == "input" and name and given.get("type") not in ("submit", "file", "button"):
            is_box = given.get("type") in ("checkbox", "radio")
            if not is_box or "checked" in given:
                self.pairs.append((name, given.get("value", "on" if is_box else "")))
        elif tag == "select":
            self.select = name
        elif tag == "option" and self.select and "selected" in given:
            self.pairs.append((self.select, given["value"]))
        elif tag == "textarea" and name:
            self.text = (name, [])

    def handle_data(self, data):
        if self.text:
            self.text[1].append(data)

    def handle_endtag(self, tag):
        if tag == "textarea" and self.text:
            name, parts = self.text
            self.pairs.append((name, "".join(parts).removeprefix("\r\n").removeprefix("\n")))
            self.text = None
        elif tag == "select":
            self.select = None


def sent(response):
    """What a browser would send of the change form on the page, as it is."""
    inputs = Inputs()
    inputs.feed(response.text)
    data = {}
    for name, value in inputs.pairs:
        data.setdefault(name, []).append(value)
    return data


def model_admin(model):
    return admin.site.get_model_admin(model)
