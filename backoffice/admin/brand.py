"""The colours and the mark of a library system: BRAND_STYLESHEET and BRAND_LOGO."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.contrib.staticfiles import finders
from django.core.checks import CheckMessage, Error
from django.core.exceptions import SuspiciousFileOperation


def check_brand(app_configs: Any, **kwargs: Any) -> Sequence[CheckMessage]:
    """That the files are there: without them, no page could be made."""
    return [
        Error(
            f"{name} names {value!r}, which is no static file.",
            hint=(
                "Write it as below a folder of static files, such as brand/colours.css for the"
                " file colours.css in BRAND_FOLDER."
            ),
            id="backoffice.E098",
        )
        for name in ("BRAND_STYLESHEET", "BRAND_LOGO")
        if (value := getattr(settings, name)) and not _is_static(value)
    ]


def _is_static(name: str) -> bool:
    try:
        return bool(finders.find(name))
    except SuspiciousFileOperation:  # a path that leads out of the folders: /etc/logo.svg
        return False
