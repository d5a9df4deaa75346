"""Drops uploads that are too large, or for which there is no room."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files import uploadhandler
from django.core.files.uploadhandler import FileUploadHandler, SkipFile
from django.http import HttpRequest

from backoffice.outages import NoRoom, demand_room, outage_of


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


class TemporaryFileUploadHandler(uploadhandler.TemporaryFileUploadHandler):
    """Django's, which takes a file only if there is room for it.

    What is sent is read to its end all the same: a browser shows no answer before it has sent
    all. Then the OSError is raised, to whoever reads the form.
    """

    refused: OSError | None = None
    size = 0  # of the body, in bytes

    def handle_raw_input(
        self, input_data: Any, META: Any, content_length: Any, *args: Any, **kwargs: Any
    ) -> None:
        self.size = content_length or 0

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        with self._refusing():
            demand_room_twice(self.size)
            super().new_file(*args, **kwargs)

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        with self._refusing():
            super().receive_data_chunk(raw_data, start)

    def file_complete(self, file_size: int) -> Any:
        with suppress(SkipFile), self._refusing():
            return super().file_complete(file_size)
        return None

    def upload_complete(self) -> None:
        if self.refused:
            raise self.refused

    @contextmanager
    def _refusing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if outage_of(error) is None:
                raise
            self.refused = error
            if hasattr(self, "file"):
                with suppress(OSError):  # what it still has in memory has no room either
                    self.file.close()
            raise SkipFile from error


def demand_room_twice(size: int) -> None:
    """Raise NoRoom if an upload of the size can't be read, and then kept.

    It is read into a temporary file, which is on the same disk or on another.
    """
    read, kept = Path(settings.FILE_UPLOAD_TEMP_DIR or tempfile.gettempdir()), settings.DATA_DIR
    if read.stat().st_dev == Path(kept).stat().st_dev:
        size *= 2
    elif shutil.disk_usage(read).free < size:
        raise NoRoom(read)
    demand_room(kept, size)
