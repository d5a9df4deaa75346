"""Drops uploads that are too large before they are stored."""

from typing import Any

from django.conf import settings
from django.core.files.uploadhandler import FileUploadHandler, SkipFile
from django.http import HttpRequest


def is_too_large(request: HttpRequest) -> bool:
    """Whether the request's body is too large for an upload; doesn't read the body."""
    return bool(int(request.META.get("CONTENT_LENGTH") or 0) > settings.IMPORT_MAX_BYTES)


class LimitUploadHandler(FileUploadHandler):
    """Runs before Django's handlers and drops the files of a request that is too large.

    The form then reports the missing file; stock Django would fill the disk first.
    """

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        if self.request and is_too_large(self.request):
            raise SkipFile

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:
        return raw_data

    def file_complete(self, file_size: int) -> None:
        return None
