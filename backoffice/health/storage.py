"""System check: what keeps the uploads takes a file, and gives it back."""

from typing import Any

from django.core.checks import CheckMessage, Warning

from backoffice.changes import files
from backoffice.optional import is_installed


def check_storage(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    try:
        if not is_installed("IMPORTS_BUCKET") or not files.are_shared():
            return []
        files.try_out()
    except OSError as error:
        return [
            Warning(
                f"Uploads can't be kept: {error.strerror or error}.",
                hint="Start the storage, or correct IMPORTS_BUCKET… and its credentials: it"
                " takes the rights to list the bucket and to get, put and delete its objects.",
                id="backoffice.W115",
            )
        ]
    return []
