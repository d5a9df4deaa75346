"""A row of a sheet, and what its cells hold: text, or a number that a format shows as more."""

import datetime
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

MOST_SHOWN = 200  # characters
#: Column index, kind of what is no text, and what the sheet shows of it.
Mark = tuple[int, str, str]


#: [MS-XLS] 2.5.10, [MS-XLSB] 2.5.97.2
ERRORS = {0: "#NULL!", 7: "#DIV/0!", 15: "#VALUE!", 23: "#REF!", 29: "#NAME?", 36: "#NUM!"}
ERRORS |= {42: "#N/A", 43: "#GETTING_DATA"}


class Unreadable(Exception):
    """A workbook that can't be read. `str()` says for staff what is wrong and what to do."""


class Damaged(Unreadable):
    def __init__(self) -> None:
        super().__init__(
            "The workbook is damaged or not complete. Open it in a spreadsheet program, "
            "save it anew as xlsx, and try again."
        )


class Protected(Unreadable):
    def __init__(self) -> None:
        super().__init__("The workbook is protected with a password. Save it without one.")


@dataclass(frozen=True)
class Sheet:
    name: str
    is_hidden: bool
    place: str  # of its data in the workbook

    def __str__(self) -> str:
        return f"“{self.name[:60]}”"


@dataclass
class Survey:
    """What must be known of a sheet before its first row is read.

    `rows` is about how many it has; `corner` are the last row and the number of columns, of a
    format that can repeat cells; `hidden` are the numbers of hidden rows; `merged` has,
    by the row that they begin in, the column and last row of cells merged over several rows.
    """

    rows: int = 0
    corner: tuple[int, int] = (0, 0)
    hidden: list[int] = field(default_factory=list)
    is_filtered: bool = False
    merged: dict[int, list[tuple[int, int]]] = field(default_factory=dict)

    def merge(self, first: int, last: int, column: int) -> None:
        if last > first:
            self.merged.setdefault(first, []).append((column, last))


@dataclass(slots=True)
class Row:
    """A row that is not blank, from column A to the last cell that holds something.

    `number` counts from 1.
    """

    number: int
    cells: list[str] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)

    def put(self, column: int, text: str, kind: str = "", shown: str = "") -> None:
        """Put text into a cell; `kind` says what it is where it is not text.

        Raises Damaged for a column that no sheet has.
        """
        if not text or text.isspace():
            return
        cells = self.cells
        if column > 16_383:
            raise Damaged
        if column > len(cells):
            cells.extend([""] * (column - len(cells)))
        if column == len(cells):
            cells.append(text)
        else:
            cells[column] = text
        if kind:
            self.marks.append((column, kind, (shown or text)[:MOST_SHOWN]))


def filled(rows: Iterator[Row], merged: dict[int, list[tuple[int, int]]]) -> Iterator[Row]:
    """The rows, with what stands in merged cells repeated in each row that they span."""
    spanning: dict[int, tuple[int, str, Mark | None]] = {}
    for row in rows:
        for column, (last, text, mark) in list(spanning.items()):
            if row.number > last:
                del spanning[column]
            elif column >= len(row.cells) or not row.cells[column]:
                row.put(column, text)
                if mark:
                    row.marks.append(mark)
        for column, last in merged.get(row.number, ()):
            if column < len(row.cells):
                mark = next((mark for mark in row.marks if mark[0] == column), None)
                spanning[column] = (last, row.cells[column], mark)
        yield row


def number_text(value: float) -> str:
    return str(int(value)) if value.is_integer() else repr(value)


def duration_text(value: datetime.timedelta) -> str:
    minutes, seconds = divmod(int(value.total_seconds()), 60)
    return f"{minutes // 60:02}:{minutes % 60:02}:{seconds:02}"


# Number formats (ECMA-376, part 1, 18.8.30 and 18.8.31) -----------------------------------

BUILT_IN = {
    **{1: "0", 2: "0.00", 3: "#,##0", 4: "#,##0.00", 9: "0%", 10: "0.00%", 11: "0.00E+00"},
    **dict.fromkeys((5, 6, 42), '"$"#,##0'),
    **dict.fromkeys((7, 8, 44), '"$"#,##0.00'),
    **{12: "# ?/?", 13: "# ??/??", 14: "m/d/yyyy", 15: "d-mmm-yy", 16: "d-mmm", 17: "mmm-yy"},
    **{18: "h:mm AM/PM", 19: "h:mm:ss AM/PM", 20: "h:mm", 21: "h:mm:ss", 22: "m/d/yyyy h:mm"},
    # Of Chinese, Japanese and Korean editions.
    **dict.fromkeys((*range(27, 32), 36, *range(50, 59)), "yyyy/m/d"),
    **{32: "h:mm", 33: "h:mm:ss", 34: "h:mm", 35: "h:mm:ss"},
    **{45: "mm:ss", 46: "[h]:mm:ss", 47: "mm:ss.0"},
}
_TOKEN = re.compile(
    r'"(?P<quoted>[^"]*)"?|\\(?P<escaped>.)|(?P<skipped>[_*].?)|\[(?P<bracket>[^\]]*)\]'
    r"|(?P<half>AM/PM|A/P)|(?P<general>General)|(?P<part>y+|m+|d+|h+|s+(?:\.0+)?|e+)"
    r"|(?P<digit>[0#?])|(?P<sign>[.,%/]|E[+-])|(?P<other>.)",
    re.IGNORECASE | re.DOTALL,
)
_CONDITION = re.compile(r"(<=|>=|<>|<|>|=)(-?\d+(?:\.\d+)?)$")
Token = tuple[str, str]


class NumberFormat:
    """A number format, as far as it makes more of a number than a number.

    `kind` is "date", "time", "date and time", "duration", "percentage", "amount of money",
    "fraction", "number" (as words), "digits" (fixed places, as of ZIP codes), or "".
    """

    def __init__(self, code: str):
        sections: list[list[Token]] = [[]]
        for match in _TOKEN.finditer(code[:1000]):
            name, text = match.lastgroup or "", match[match.lastgroup or 0]
            if (name, text) == ("other", ";"):
                sections.append([])
            elif name != "skipped":
                sections[-1].append((name, text))
        self.sections = sections

    @cached_property
    def kind(self) -> str:
        tokens = self.sections[0]
        texts = [text for name, text in tokens if name in ("quoted", "escaped", "other")]
        texts += [
            text[1:].partition("-")[0]
            for name, text in tokens
            if name == "bracket" and text.startswith("$")
        ]
        if kind := self._kind_of_date(tokens):
            return kind
        if ("sign", "%") in tokens:
            return "percentage"
        if any(unicodedata.category(char) == "Sc" for text in texts for char in text) or any(
            name == "bracket" and text.startswith("$") and text[1:2] not in ("", "-")
            for name, text in tokens
        ):
            return "amount of money"
        shape = "".join(
            text[0] if name == "sign" or text == " " else name[0] for name, text in tokens
        )
        if re.search("d ?/ ?[do]", shape):
            return "fraction"
        # "(###) ###-####", "00000", "000 00"; but not "# ##0".
        zeros = "".join(text for name, text in tokens if name == "digit")
        if re.search("d *[qeo]+ *d", shape) or (
            len(zeros) > 1 and zeros.strip("0") == "" and not set(shape) & set(".,E")
        ):
            return "digits"
        # Words in place of the number, such as "Yes"; "@" is the text itself.
        is_number = zeros or any(name in ("general", "sign") for name, _text in tokens)
        return "" if is_number or not "".join(texts).strip("@ ") else "number"

    @staticmethod
    def _kind_of_date(tokens: list[Token]) -> str:
        if any(name == "bracket" and re.fullmatch("(?i)h+|m+|s+", t) for name, t in tokens):
            return "duration"
        parts = {text[0].lower() for name, text in tokens if name == "part"}
        if parts & set("hs"):
            return "date and time" if parts & set("yd") else "time"
        return "date" if parts & set("ymd") else ""

    def read(self, value: float, is_1904: bool = False) -> tuple[str, str, str]:
        """(text, kind, what the sheet shows); kind and shown are "" of an ordinary number."""
        kind = self.kind
        if not kind or value != value or abs(value) > 1e300:
            return number_text(value), "", ""
        if kind == "digits":
            return (self._digits(value) if value.is_integer() else number_text(value)), "", ""
        if kind in ("percentage", "amount of money", "fraction", "number"):
            return number_text(value), kind, self._number(value)
        try:
            return self._moment(value, kind, is_1904)
        except OverflowError:
            return "########", "error", "########"

    def _moment(self, value: float, kind: str, is_1904: bool) -> tuple[str, str, str]:
        since = datetime.timedelta(milliseconds=round(value * 86_400_000))
        if kind == "duration":
            return duration_text(since), kind, duration_text(since)
        if since.days < 0:
            raise OverflowError
        # 1900 was no leap year, but is one here.
        start = datetime.datetime(1904, 1, 1) if is_1904 else datetime.datetime(1899, 12, 30)
        moment = start + since + datetime.timedelta(days=value < 60 and not is_1904)
        shown = self._date(moment)
        if kind == "time" and value < 1:
            return moment.time().isoformat(), kind, shown
        midnight = moment.time() == datetime.time()
        return (moment.date().isoformat() if midnight else moment.isoformat(" ")), kind, shown

    def _section(self, value: float) -> tuple[list[Token], bool]:
        """The section for a value, and whether it says itself that the value is negative."""
        tests = [
            _CONDITION.match(text)
            for tokens in self.sections
            for text in [next((t for name, t in tokens if name == "bracket"), "")]
        ]
        for tokens, test in zip(self.sections, tests, strict=True):
            if test:
                limit = float(test[2])
                holds = {"<": value < limit, ">": value > limit, "=": value == limit}
                if any(holds[sign] for sign in test[1]) != (test[1] == "<>" and value == limit):
                    return tokens, False
        if any(tests):
            return self.sections[min(1, len(self.sections) - 1)], False
        at = 0 if value > 0 else 1 if value < 0 else 2
        if at >= len(self.sections):
            return self.sections[0], False
        return self.sections[at], value < 0

    def _number(self, value: float) -> str:
        tokens, is_signed = self._section(value)
        percents = tokens.count(("sign", "%"))
        digits = [i for i, (name, _text) in enumerate(tokens) if name == "digit"]
        if not digits:
            return _literal(tokens).strip()
        if self.kind == "fraction":
            return number_text(value)
        point = tokens.index(("sign", ".")) if ("sign", ".") in tokens else len(tokens)
        decimals = sum(i > point for i in digits)
        comma = "," if ("sign", ",") in tokens[digits[0] : digits[-1]] else ""
        text = f"{abs(value) * 100**percents:{comma}.{decimals}f}"
        before = _literal(tokens[: digits[0]])
        after = _literal(tokens[digits[-1] + 1 :])
        return f"{'' if value >= 0 or is_signed else '-'}{before}{text}{after}".strip()

    def _digits(self, value: float) -> str:
        tokens, is_signed = self._section(value)
        left, shown = list(number_text(abs(value))), ""
        first = next((i for i, (name, _) in enumerate(tokens) if name == "digit"), 0)
        for i, (name, text) in reversed(list(enumerate(tokens))):
            if name == "digit":
                shown = (left.pop() if left else "0" if text == "0" else "") + shown
                if i == first:
                    shown, left = "".join(left) + shown, []
            else:
                shown = _literal([(name, text)]) + shown
        return ("" if value >= 0 or is_signed else "-") + shown.strip()

    def _date(self, moment: datetime.datetime) -> str:
        tokens = self.sections[0]
        parts = [i for i, (name, _text) in enumerate(tokens) if name == "part"]
        half = any(name == "half" for name, _text in tokens)
        shown = ""
        for i, (name, text) in enumerate(tokens):
            if name == "part":
                at = parts.index(i)
                around = [tokens[j][1][0].lower() for j in parts[max(0, at - 1) : at + 2]]
                is_minute = text[0] in "mM" and (
                    (at > 0 and around[0] == "h") or (around[-1] == "s" and len(text) < 3)
                )
                shown += _date_part(text.lower(), moment, is_minute, half)
            elif name == "half":
                shown += "AM" if moment.hour < 12 else "PM"
            else:
                shown += _literal([(name, text)])
        return shown.strip()


def _literal(tokens: list[Token]) -> str:
    shown = ""
    for name, text in tokens:
        if name == "bracket":
            shown += text[1:].partition("-")[0] if text.startswith("$") else ""
        elif name not in ("digit", "general"):
            shown += text
    return shown


def _date_part(text: str, moment: datetime.datetime, is_minute: bool, half: bool) -> str:
    letter, length = text[0], len(text.partition(".")[0])
    if letter in "ye":
        return f"{moment.year:04}" if length > 2 or letter == "e" else f"{moment.year % 100:02}"
    if letter in "md" and length > 2 and not is_minute:
        name = moment.strftime("%B" if letter == "m" else "%A")
        return name[0] if length == 5 else name[:3] if length == 3 else name
    number = {
        "m": moment.minute if is_minute else moment.month,
        "d": moment.day,
        "h": (moment.hour % 12 or 12) if half else moment.hour,
        "s": moment.second,
    }[letter]
    return f"{number:02}" if length > 1 else str(number)


def number_format(code: int, custom: dict[int, str]) -> NumberFormat | None:
    """The format of a number in a workbook's list; None where it shows a plain number."""
    format = NumberFormat(custom.get(code) or BUILT_IN.get(code, "General"))
    return format if format.kind else None
