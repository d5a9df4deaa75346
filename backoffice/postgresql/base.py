from typing import Any

from django.db.backends.postgresql import base


class DatabaseWrapper(base.DatabaseWrapper):
    """A cursor on the server ends with its transaction: outside of one, the client gets rows.

    Django's DISABLE_SERVER_SIDE_CURSORS would take them from the exports too, whose memory
    stays flat by them.
    """

    def chunked_cursor(self) -> Any:
        return super().chunked_cursor() if self.in_atomic_block else self.cursor()
