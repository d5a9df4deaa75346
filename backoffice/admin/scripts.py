"""Which scripts a page loads."""

from typing import Any

from django import forms

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
