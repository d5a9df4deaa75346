"""What the form of a review says: decisions, and decisions to take back.

`decide`: the fields of one Decision as JSON, the value of a button · `take_back`: the primary
key of one · `cell:LINE:FIELD`: the text of an input · `seen:LINE`: what the page had for the
row as JSON, `{field: text}` and, by "", a token of its decisions · `instead`: texts for the
values `value`, in the same order, of the field `values_of` · `since`: when the newest decision
that the page knew was made. `tab` and `lines`, what it shows, are for the answer.
"""

import json
from collections.abc import Iterator
from typing import Any

from django.core.exceptions import BadRequest
from django.http import QueryDict
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from backoffice.admin.changes.review_rows import decisions as decisions_of
from backoffice.admin.changes.review_rows import token
from backoffice.changes.decisions import Decision
from backoffice.jobs.review import Review

Answer = Decision.Answer
TEXTS = {"field", "value", "code", "answer", "text"}
LAST = 2**63 - 1  # the highest number that a database has


class Answers:
    """decisions, taken_back: primary keys · refused: sentences about what is decided already.

    Raises BadRequest for what no page of ours sends.
    """

    def __init__(self, post: QueryDict, review: Review, user: Any) -> None:
        self.review, self.user = review, user
        self.seen = {
            _line(name.partition(":")[2]): _object(text)
            for name, text in post.items()
            if name.startswith("seen:") and isinstance(text, str)
        }
        try:
            self.since = parse_datetime(post.get("since", ""))
        except ValueError:
            self.since = None
        self.taken_back = [_line(pk) for pk in post.getlist("take_back")]
        pressed = [self._pressed(text) for text in post.getlist("decide")]
        cells = {(decision.line, decision.field) for decision in pressed}
        typed = [d for d in self._typed(post) if (d.line, d.field) not in cells]
        self.refused: list[str] = []
        self.decisions = self._current([*typed, *self._everywhere(post), *pressed])

    def _pressed(self, text: str) -> Decision:
        fields = _object(text)
        line = fields.pop("line", None)
        if not (fields.keys() <= TEXTS and all(isinstance(v, str) for v in fields.values())):
            raise BadRequest
        return Decision(line=None if line is None else _line(str(line)), **fields)

    def _typed(self, post: QueryDict) -> Iterator[Decision]:
        for name, text in post.items():
            kind, _colon, place = name.partition(":")
            if kind != "cell" or not isinstance(text, str):
                continue
            number, _colon, field = place.partition(":")
            line = _line(number)
            if self.seen.get(line, {}).get(field) != text:
                yield Decision(line=line, field=field, **_read_as(text))

    def _everywhere(self, post: QueryDict) -> Iterator[Decision]:
        field = post.get("values_of", "")
        known = zip(
            post.getlist("value"), post.getlist("before"), post.getlist("instead"), strict=False
        )
        for value, before, text in known:
            if text != before:
                yield Decision(field=field, value=value, **_read_as(text))

    def _current(self, wanted: list[Decision]) -> list[Decision]:
        """Those that don't overwrite what somebody else decided since the page was made."""
        lines = {decision.line for decision in wanted if decision.line is not None}
        rows = {row.line: row for row in self.review.rows(*lines)} if lines else {}
        current = []
        for decision in wanted:
            if decision.line is None:
                other = self._newer(decision)
            elif decision.line not in rows:
                raise BadRequest
            else:
                other = self._stale(decision.line, rows[decision.line])
            if other is None:
                current.append(decision)
            elif (said := told(other)) not in self.refused:
                self.refused.append(said)
        return current

    def _stale(self, line: int, row: Any) -> Decision | None:
        """What another has decided about the row since."""
        known = self.seen.get(line, {}).get("", "")
        if known == token(row):
            return None
        news = [
            decision
            for decision in decisions_of(row)
            if decision.user_id != self.user.pk
            and f"{decision.pk}@{decision.decided_at.timestamp()}" not in known.split()
        ]
        return max(news, key=lambda decision: decision.decided_at, default=None)

    def _newer(self, decision: Decision) -> Decision | None:
        """What another has decided for the same value or cause since."""
        same = self.review.job.file.decisions.filter(
            line=None, field=decision.field, value=decision.value, code=decision.code
        )
        if self.since:
            same = same.filter(decided_at__gt=self.since)
        return same.exclude(user=self.user).select_related("user").first()


def told(decision: Decision) -> str:
    """That another was first, for a message."""
    return _("Meanwhile %(user)s decided: %(decision)s. That was not overwritten.") % {
        "user": decision.user or _("somebody"),
        "decision": decision,
    }


def _read_as(text: str) -> dict[str, str]:
    if text.strip():
        return {"answer": Answer.TEXT, "text": text}
    return {"answer": Answer.BLANK}


def _object(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadRequest from error
    if not isinstance(found, dict):
        raise BadRequest
    return found


def _line(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 20 and int(text) <= LAST):
        raise BadRequest
    return int(text)
