"""Static files that are joined of others, so that a page takes few requests.

The parts stay files of their own, ours and Django's. `collectstatic` and the development
server get the joined ones from `JoinedFinder`, which makes them anew when a part changed.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.admin.widgets import SELECT2_TRANSLATIONS
from django.contrib.staticfiles import finders
from django.core.files.storage import FileSystemStorage, Storage

_JQUERY, _SELECT2 = "admin/js/vendor/jquery/jquery.min.js", "admin/js/vendor/select2"
#: What Django's forms load, after jQuery and what extends it.
_FORMS = (
    "admin/js/jquery.init.js",
    "admin/js/core.js",
    "admin/js/inlines.js",
    "admin/js/admin/RelatedObjectLookups.js",
    "admin/js/SelectBox.js",
    "admin/js/SelectFilter2.js",
    "admin/js/calendar.js",
    "admin/js/admin/DateTimeShortcuts.js",
    "admin/js/autocomplete.js",
)
FORMS, CHOOSING = "backoffice/forms.js", "backoffice/choosing.js"
FORM_SHEET = "admin/css/form.css"
#: `{joined: its parts, in their order}`. Style sheets that refer to images are joined in the
#: folder that they are in.
JOINED = {
    "backoffice/base.js": (
        "backoffice/accessibility.js",
        "backoffice/once.js",
        "backoffice/leaving.js",
        "backoffice/choices.js",
        "backoffice/loading.js",
        "backoffice/search.js",
        "backoffice/keys.js",
    ),
    "backoffice/lists.js": (
        "backoffice/list.js",
        "backoffice/filters.js",
    ),
    FORMS: (_JQUERY, *(part for part in _FORMS if "autocomplete" not in part)),
    CHOOSING: (  # for forms with autocompletion, in all languages of the site
        _JQUERY,
        f"{_SELECT2}/select2.full.min.js",
        *(
            f"{_SELECT2}/i18n/{SELECT2_TRANSLATIONS[code]}.js"
            for code, _name in settings.LANGUAGES
            if code in SELECT2_TRANSLATIONS
        ),
        *_FORMS,
    ),
    FORM_SHEET: (
        "admin/css/forms.css",
        "admin/css/vendor/select2/select2.min.css",
        "admin/css/autocomplete.css",
        "backoffice/horizontal.css",
        "backoffice/roles.css",
        "backoffice/forms.css",
    ),
    "admin/css/backoffice.css": (
        "admin/css/base.css",
        "backoffice/menu.css",
        "backoffice/search.css",
    ),
    "admin/css/lists.css": (
        "admin/css/changelists.css",
        "backoffice/lists.css",
    ),
    "admin/css/imports.css": (
        "admin/css/forms.css",
        "backoffice/import.css",
    ),
}
_IMPORT = re.compile(r"""@import url\(['"]?([^'")]+)['"]?\);""")


class JoinedFinder(finders.BaseFinder):
    """For STATICFILES_FINDERS: the files of `JOINED`, written below DATA_DIR."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.storage = FileSystemStorage(location=settings.DATA_DIR / "joined")

    def find(self, path: str, find_all: bool = False, **kwargs: Any) -> Any:
        found = [str(self._write(path))] if path in JOINED else []
        return found if find_all or not found else found[0]

    def list(self, ignore_patterns: Any) -> Iterator[tuple[str, Storage]]:
        for name in JOINED:
            self._write(name)
            yield name, self.storage

    def _write(self, name: str) -> Path:
        """Where `name` is. It is written where it isn't there, or says something else."""
        path = Path(self.storage.path(name))
        text = "\n".join(_read(part) for part in JOINED[name])
        if not path.exists() or path.read_text() != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return path


def _read(part: str) -> str:
    """A part, so that it can stand beside others."""
    found = finders.find(part)
    if found is None:
        raise FileNotFoundError(part)
    text = Path(found).read_text()
    if part.endswith(".css"):
        # An import must stand before all rules, so what it imports stands in its place.
        folder = part.rpartition("/")[0]
        return _IMPORT.sub(lambda found: _read(f"{folder}/{found[1]}"), text)
    if part.startswith("backoffice/"):
        # In a function, names of one part are no names of the next.
        return f"(() => {{\n{text}\n}})();"
    return f"{text};"
