"""Uploads that are too large are not stored."""

from django.conf import settings
from django.core.files.uploadhandler import FileUploadHandler, SkipFile


def is_too_large(request):
    """Whether the request's body is larger than an upload may be; before it is read."""
    return int(request.META.get("CONTENT_LENGTH") or 0) > settings.IMPORT_MAX_BYTES


class LimitUploadHandler(FileUploadHandler):
    """Stands before Django's handlers and drops the files of a request that is too large.

    The form that misses its file says so; stock Django would fill the disk first.
    """

    def new_file(self, *args, **kwargs):
        super().new_file(*args, **kwargs)
        if is_too_large(self.request):
            raise SkipFile

    def receive_data_chunk(self, raw_data, start):
        return raw_data

    def file_complete(self, file_size):
        return None
