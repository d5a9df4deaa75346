"""`Decision`: what staff decided about rows of an import. The file itself never changes."""

import json
from typing import Any, ClassVar

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy

from backoffice.changes.models import ImportFile

LONGEST = 199  # characters of a value that is mended everywhere; rejects keep as many


class Decision(models.Model):
    """One answer of staff to what a check of a file found.

    one cell            line, field    text or blank
    one row             line           skip; same or new for a row that looks like a record
    a value everywhere  field, value   text or blank
    a cause             code, field    skip or blank; same or new for all look-alikes

    For one cell or row, `value` is what the cell, or a digest of the row, was: in a file that
    has something else there the decision doesn't hold.

    One for each line and field, and one for each field, value and code: deciding again
    replaces it. `text` is what a cell is read as, or, of `same`, the key of the record that
    is meant where several look like the row.
    """

    class Answer(models.TextChoices):
        TEXT = "text", gettext_lazy("read as")
        BLANK = "blank", gettext_lazy("left blank")
        SKIP = "skip", gettext_lazy("set aside")
        SAME = "same", gettext_lazy("the same record")
        NEW = "new", gettext_lazy("another record")

    file = models.ForeignKey(
        ImportFile,
        on_delete=models.CASCADE,
        related_name="decisions",
        verbose_name=gettext_lazy("file"),
    )
    #: The row's number in the file; None for all rows that it fits.
    line = models.PositiveBigIntegerField(gettext_lazy("row"), null=True, blank=True)
    #: The Resource's column; "" for the row as a whole.
    field = models.CharField(gettext_lazy("field"), max_length=200, blank=True)
    #: The cell's text, stripped; of a row, the digest of its cells.
    value = models.TextField(gettext_lazy("value"), blank=True)
    #: The code of the rejects that it answers.
    code = models.CharField(gettext_lazy("cause"), max_length=100, blank=True)
    answer = models.CharField(gettext_lazy("answer"), max_length=10, choices=Answer)
    text = models.TextField(gettext_lazy("text"), blank=True)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=gettext_lazy("user"),
    )
    decided_at = models.DateTimeField(gettext_lazy("decided at"), default=timezone.now)

    class Meta:
        verbose_name = gettext_lazy("decision")
        verbose_name_plural = gettext_lazy("decisions")
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(
                fields=["file", "line", "field"],
                condition=Q(line__isnull=False),
                name="one_decision_a_cell",
            ),
            models.UniqueConstraint(
                fields=["file", "field", "value", "code"],
                condition=Q(line__isnull=True),
                name="one_decision_a_cause",
            ),
        ]

    def __str__(self) -> str:
        about = [self.field, f"“{self.value}”" if self.value else "", self.code]
        if self.line is not None:
            about.insert(0, gettext_lazy("row %d") % self.line)
        answer = f"{self.Answer(self.answer).label} {self.text}".strip()
        return f"{', '.join(filter(None, about))}: {answer}"

    @property
    def answered(self) -> str:
        """What it says, to tell whether it says something else now."""
        said = [self.line, self.field, self.value, self.code, self.answer, self.text]
        return json.dumps(said)

    def clean(self) -> None:
        answer = self.Answer
        allowed = {answer.SKIP, answer.SAME, answer.NEW}
        if self.line is not None or not self.code:
            allowed = {answer.TEXT, answer.BLANK} if self.field else allowed
        else:
            allowed |= {answer.BLANK} if self.field else set()
        if self.answer not in allowed or (self.line is None and not (self.field or self.code)):
            raise ValidationError(gettext_lazy("Such an answer can't be given to this."))
        if self.text and self.answer not in (answer.TEXT, answer.SAME):
            raise ValidationError(gettext_lazy("This answer has no text."))
        if self.line is None and len(self.value) > LONGEST:
            raise ValidationError(
                gettext_lazy("A value of more than %d characters is mended row by row.")
                % LONGEST
            )
        if "\0" in self.text + self.value:
            raise ValidationError(gettext_lazy("Null characters are not allowed."))
