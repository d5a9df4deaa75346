"""Which scripts a page loads."""

from typing import Any

from django import forms

from backoffice.joined import CHOOSING, FORM_SHEET, FORMS, JOINED

#: What Django's ModelAdmin puts on all pages, for widgets of forms and for popups.
OF_FORMS = {
    f"admin/js/{name}.js"
    for name in (
        "vendor/jquery/jquery",
        "vendor/jquery/jquery.min",
        "jquery.init",
        "core",
        "admin/RelatedObjectLookups",
    )
}
OF_LISTS = "admin/js/actions.js"


def without_jquery(media: Any) -> forms.Media:
    """A list's `media` without what is for forms, unless it has scripts that may need it."""
    if set(media._js) - OF_FORMS - {OF_LISTS}:
        return media  # type: ignore[no-any-return] # Any: the stubs lack _css and _js
    return forms.Media(css=media._css, js=[OF_LISTS])


def joined(media: Any) -> forms.Media:
    """A form's `media` with Django's scripts and sheets in one file each.

    As it is with a script between jQuery and `jquery.init` that we don't know: afterwards it
    would find no jQuery.
    """
    scripts = media._js
    name = CHOOSING if any("select2" in str(script) for script in scripts) else FORMS
    parts = {*JOINED[name], OF_LISTS}  # what is for the ticks of lists does nothing in a form
    others = [script for script in scripts if script not in parts]
    jquery, init = "admin/js/vendor/jquery/jquery.min.js", "admin/js/jquery.init.js"
    if jquery not in scripts or init not in scripts:
        return media  # type: ignore[no-any-return] # Any: the stubs lack _css and _js
    if not set(others).isdisjoint(scripts[: scripts.index(init)]):
        return media  # type: ignore[no-any-return] # as above
    sheets: dict[str, Any] = {
        medium: [sheet for sheet in names if sheet not in JOINED[FORM_SHEET]]
        for medium, names in media._css.items()
    }
    return forms.Media(css=sheets, js=[name, *others])
