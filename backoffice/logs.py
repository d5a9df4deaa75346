"""The log: an entry is one line, whatever texts are in it; no query is in it."""

import logging
import re
import textwrap
from types import TracebackType

#: Characters that a terminal or an editor takes for the end of a line, or for a command.
_CONTROLS = {
    code: repr(chr(code))[1:-1] for code in (*range(32), *range(127, 160), 0x2028, 0x2029)
}


class WithoutQuery(logging.Filter):
    """Takes the query out of the request lines that Django's development server logs."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(
                re.sub(r"\?\S*", "", each) if isinstance(each, str) else each
                for each in record.args
            )
        return True


class OneLineFormatter(logging.Formatter):
    """A text of elsewhere, such as the name of a file, can't look like an entry of its own.

    What has control characters shows them as Python writes them. Tracebacks are indented.
    """

    def formatMessage(self, record: logging.LogRecord) -> str:
        return super().formatMessage(record).translate(_CONTROLS)

    def formatException(
        self,
        ei: tuple[type[BaseException], BaseException, TracebackType | None]
        | tuple[None, None, None],
    ) -> str:
        text = super().formatException(ei)
        return textwrap.indent("\n".join(text.splitlines()), "    ")
