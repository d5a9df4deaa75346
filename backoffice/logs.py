"""What the log must not have: a query names whom somebody looked for."""

import logging
import re


class WithoutQuery(logging.Filter):
    """Takes the query out of the request lines that Django's development server logs."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(
                re.sub(r"\?\S*", "", each) if isinstance(each, str) else each
                for each in record.args
            )
        return True
