"""Cells become values: the Resource's widget, then the model field's own validation.

Each distinct cell of a column is cleaned once and remembered, so the 500,000th `NY` costs a
dict look-up. A cell that can't be cleaned becomes an `Invalid`.
"""

import functools
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, cast

from django.core.exceptions import ValidationError
from django.core.validators import MaxLengthValidator, RegexValidator
from django.db import models
from django.utils.translation import gettext as _
from import_export.fields import Field as ResourceField
from import_export.widgets import CharWidget

from backoffice.querysets.reach import EVERYTHING, Reach
from backoffice.readers.spreadsheet import NotText
from backoffice.resources.formulas import is_error, unescape
from backoffice.resources.references import (
    ReferencesWidget,
    ReferenceWidget,
    split_references,
)
from backoffice.tables.table import ModelField, Table
from backoffice.tables.texts import are_same, is_line, same

BLOCK = 250  # cells looked at together: one odd cell slows down its block alone
REMEMBERED = 100_000  # distinct cells a column, which keeps memory flat
_SHORTENED = re.compile(r"\d([.,]\d+)?E\+?\d+", re.IGNORECASE)
_DECIMAL = re.compile(r"\d+\.0+")
NOT_TEXT = "not_text"  # the code of an Invalid: its text would do, but it is not what it was


@dataclass(frozen=True)
class Invalid:
    """`shown` stands for the cell where its text doesn't say what is wrong with it."""

    message: str
    code: str = "invalid"
    shown: str = ""


class Column(dict[str, Any]):
    """A mapped column, and its cells' values: `column[cell]` cleans.

    `name` is the Resource's field, `index` the place in the file. `kind` is "value",
    "reference" (a text to look up) or "references" (a tuple of texts). With `keep_blank` a
    blank cell is None: the present value stays. `repair` is a function from text to text, of
    those that the Resource offers; `offered` has the others, by what messages call them. Cells
    that are one of `nothing` are read as blank; a key of `values` as the text that it has
    there. What existing records have in a `protected` column stays. What can't be cleaned is
    read as blank where its code is one of `blanked`. References mean records that `reach` has.
    """

    def __init__(
        self,
        name: str,
        resource_field: ResourceField,
        model_field: Any,
        index: int,
        table: Table,
        *,
        keep_blank: bool = False,
        repair: Callable[[str], str] | None = None,
        offered: Mapping[str, Callable[[str], str]] | None = None,
        nothing: Collection[str] = (),
        values: Mapping[str, str] | None = None,
        protected: bool = False,
        blanked: Collection[str] = (),
        reach: Reach = EVERYTHING,
    ) -> None:
        super().__init__()
        self.reach = reach
        self.offered, self.nothing = offered or {}, frozenset(nothing)
        self.read_as, self.protected, self.blanked = values or {}, protected, blanked
        #: What a reference holds of the other record: mostly its primary key.
        self.target_field: ModelField
        self.keep_blank, self.repair = keep_blank, repair
        #: What the cells that were repaired became.
        self.repaired: dict[str, str] = {}
        #: What values of a single line are stored as in a new record, where that differs.
        self.untidy: dict[str, str] = {}
        self.name, self.index = name, index
        self.resource_field, self.model_field = resource_field, model_field
        self.connection = table.connection
        self.seen_invalid = False
        #: Whether a cell was blank and keeps what is there, so far.
        self.keeps = False
        #: (text, label it may begin with), of the references cleaned since last taken.
        self.candidates: list[tuple[str, str]] = []
        widget = resource_field.widget
        self.kind = (
            "references"
            if isinstance(widget, ReferencesWidget)
            else "reference"
            if isinstance(widget, ReferenceWidget)
            else "value"
        )
        if self.kind == "reference":
            self.target_field = model_field.target_field
        elif self.kind == "references":
            self.target_field = table.link(model_field).target_field
        #: Whether a link leads back by itself.
        self.is_symmetrical = self.kind == "references" and model_field.remote_field.symmetrical
        self.is_line = self.kind == "value" and is_line(model_field)
        self._clean = getattr(self, f"_clean_{self.kind}")
        self._patterns = _patterns_of_plain_text(resource_field, model_field)

    @functools.cached_property
    def blank(self) -> Any:
        """What a blank cell that keeps is in a new record; `Invalid` where it may not be.

        It is the field's default, as in a form that is left as it was.
        """
        try:
            return self._clean_value("")
        except (ValidationError, ArithmeticError, ValueError, TypeError) as error:
            return Invalid(str(error))

    @property
    def records(self) -> models.QuerySet[Any]:
        """Of a column of references, the records that one may mean."""
        among = self.reach.records(self.model_field.related_model)
        found: models.QuerySet[Any] = among.complex_filter(
            self.model_field.get_limit_choices_to()
        )
        return found

    def clean_all(self, cells: Sequence[Any]) -> list[Any]:
        """The values of a sequence of cells."""
        if not set(map(type, cells)) <= {str}:
            return [self[c] if type(c) is str else self._clean_not_text(c) for c in cells]
        if self._patterns is None or self.repair or self.nothing or self.read_as:
            return list(map(self.__getitem__, cells))
        values: list[Any] = []
        for start in range(0, len(cells), BLOCK):
            texts = list(map(str.strip, cells[start : start + BLOCK]))
            if self._are_plain(texts):
                values += texts
            else:
                values += map(self.__getitem__, cells[start : start + BLOCK])
        return values

    def _are_plain(self, texts: list[str]) -> bool:
        """Whether cleaning would change none of them: this costs a tenth of cleaning them."""
        return (
            all(texts)
            and max(map(len, texts)) <= self.model_field.max_length
            # An escaped formula, perhaps, or an error of a spreadsheet.
            and {"'", "#"}.isdisjoint(map(itemgetter(0), texts))
            and "err:5" not in "\n".join(texts).lower()
            and all(all(map(pattern.search, texts)) for pattern in self._patterns or ())
            and (not self.is_line or are_same(texts))
        )

    def _clean_not_text(self, cell: NotText) -> Any:
        if cell.shown in self.read_as:
            return self[self.read_as[cell.shown]]
        is_text = self.kind != "value" or isinstance(
            self.model_field, models.CharField | models.TextField
        )
        if (cell.is_value and not is_text) or cell.strip() in self.read_as:
            return self[str(cell)]
        if NOT_TEXT in self.blanked:
            return self[""]
        self.seen_invalid = True
        return Invalid(cell.problem, NOT_TEXT, cell.shown)

    def __missing__(self, cell: str) -> Any:
        stripped = cell.strip()
        text = unescape(stripped)
        if (given := self.read_as.get(stripped, text)) != text:
            text = self.repaired[cell] = given
        if text in self.nothing:
            text = ""
        if is_error(text) and (text == stripped or stripped in self.read_as):  # not escaped
            self.seen_invalid = True
            message = _("An error of a spreadsheet, not a value. Mend it there.")
            self[cell] = Invalid(message) if "invalid" not in self.blanked else self[""]
            return self[cell]
        if self.repair and (mended := self.repair(text)) != text:
            text = self.repaired[cell] = mended
        value: Any
        try:
            if not text and self.keep_blank:
                value = () if self.kind == "references" else None
            else:
                value = self._clean(text)
        except ValidationError as error:
            value = self._invalid(cell, self._sentence(error), error)
        except ArithmeticError as error:  # upstream's, of a number that is none
            message = self.model_field.error_messages["invalid"] % {"value": cell.strip()}
            value = self._invalid(cell, message, error)
        except (ValueError, TypeError, LookupError) as error:  # upstream's, with a sentence
            value = self._invalid(cell, str(error), error)
        if value.__class__ is Invalid and value.code in self.blanked and text:
            value = self[""]
        if self.is_line and value.__class__ is str and (line := same(value)) != value:
            self.untidy[value] = line[: self.model_field.max_length]
            self.keeps = self.keeps or (not line and self.keep_blank)
        if self.keep_blank and value in (None, ()):
            self.keeps = True
        if text or not callable(self.resource_field.default):  # which is called for each row
            self[cell] = value
        return value

    def forget(self) -> None:
        """Called between chunks."""
        if len(self) > REMEMBERED:
            self.clear()
            self.repaired.clear()
            self.untidy.clear()

    def _clean_value(self, text: str) -> Any:
        value = self.resource_field.clean({self.resource_field.column_name: text})
        value = self.model_field.clean(value, None)
        return self.model_field.get_db_prep_save(value, self.connection)

    def _clean_reference(self, text: str) -> str | None:
        if not text:
            if self.model_field.null:
                return None
            raise ValidationError(self.model_field.error_messages["blank"], code="blank")
        self._remember(text)
        return text

    def _clean_references(self, cell: str) -> tuple[str, ...]:
        texts = split_references(cell)
        for text in texts:
            self._remember(text)
        return tuple(texts)

    def _remember(self, text: str) -> None:
        labels = self.resource_field.widget.key.label_candidates(text)
        self.candidates += [(text, label) for label in labels]

    def _sentence(self, error: ValidationError) -> str:
        """What is wrong, in the same words for all texts that are too long: one cause."""
        if getattr(error, "code", None) == "max_length" or any(
            each.code == "max_length" for each in error.error_list
        ):
            return str(_("Has more than %d characters.") % self.model_field.max_length)
        return " ".join(error.messages)

    def _repairs_that_help(self, cell: str) -> list[str]:
        """The repairs that were not chosen and would make a value of the cell."""
        helpful = []
        for name, repair in self.offered.items():
            try:
                if (mended := repair(cell)) != cell:
                    self._clean(mended)
                    helpful.append(name)
            except ValidationError:
                continue
        return helpful

    def _invalid(self, cell: str, message: str, error: Exception) -> Invalid:
        self.seen_invalid = True
        cell = cell.strip()
        if names := self._repairs_that_help(cell):
            message += " " + _("The repair %s makes it right.") % ", ".join(names)
        if _SHORTENED.fullmatch(cell):
            message += " " + _(
                "A spreadsheet shortened this number: format the column as text there and"
                " export again."
            )
        elif _DECIMAL.fullmatch(cell):
            message += " " + _("A spreadsheet made a decimal number of it.")
        return Invalid(message, getattr(error, "code", None) or "invalid")


def _patterns_of_plain_text(
    resource_field: ResourceField, model_field: Any
) -> list[re.Pattern[str]] | None:
    return (
        patterns_of_plain_text(model_field)
        if type(resource_field.widget) is CharWidget
        else None
    )


def patterns_of_plain_text(model_field: Any) -> list[re.Pattern[str]] | None:
    """The patterns that text must match to be clean already; None if patterns can't tell.

    A field whose `clean` rewrites text has an attribute `canonical`: a compiled pattern of the
    text that it leaves as it is.
    """
    if not getattr(model_field, "max_length", None):
        return None
    if canonical := getattr(model_field, "canonical", None):
        return [canonical]
    if type(model_field) is not models.CharField or model_field.choices is not None:
        return None
    patterns: list[re.Pattern[str]] = []
    for validator in model_field.validators:
        if type(validator) is RegexValidator and not validator.inverse_match:
            patterns.append(cast(re.Pattern[str], validator.regex))
        elif type(validator) is not MaxLengthValidator:
            return None
    return patterns
