import time
from collections.abc import Callable, Generator
from contextlib import closing
from typing import Any

import psycopg

from backoffice.postgresql import base

SILENT = 3.0  # seconds without an answer, after which the server is asked whether it is there
ANSWER = 2  # seconds that it has for that


class DatabaseWrapper(base.DatabaseWrapper):
    """psycopg waits for an answer without end, and a statement may take long.

    So while nothing comes, the server is asked over another connection whether it is there. If
    it is not, what waits gets an OperationalError, and its connection is closed.
    """

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        raw = super().get_new_connection(conn_params)
        watch(raw, SILENT, self._is_there)
        return raw

    def _is_there(self) -> bool:
        params = self.get_connection_params() | {"connect_timeout": ANSWER}
        try:
            with closing(psycopg.connect(**params, autocommit=True)) as other:
                watch(other, ANSWER, lambda: False)
                other.execute("SELECT 1")
        except psycopg.Error:
            return False
        return True


def watch(raw: psycopg.Connection[Any], seconds: float, is_there: Callable[[], bool]) -> None:
    """End a wait on the connection with an OperationalError where the server is away.

    `is_there` is asked each time that nothing came for so many seconds.
    """

    def wait(answer: Generator[Any, Any, Any], *args: Any, **options: Any) -> Any:
        return type(raw).wait(raw, watched(answer), *args, **options)

    def watched(answer: Generator[Any, Any, Any]) -> Generator[Any, Any, Any]:
        """As psycopg's generator, that is told every tenth of a second what has come."""
        try:
            wanted, heard_at = next(answer), time.monotonic()
            while True:
                if ready := (yield wanted):
                    heard_at = time.monotonic()
                elif time.monotonic() - heard_at > seconds:
                    if not is_there():
                        raw.pgconn.finish()
                        raise psycopg.OperationalError("it does not answer")
                    heard_at = time.monotonic()
                wanted = answer.send(ready)
        except StopIteration as end:
            return end.value

    raw.wait = wait  # type: ignore[method-assign,assignment]
