"""`Exemption`: a record of a change that the change's undo leaves alone, as staff chose."""

from collections.abc import Iterable
from typing import ClassVar

from django.db import models, transaction
from django.utils.translation import gettext_lazy

from backoffice.changes.models import Change, JobStopped


class Exemption(models.Model):
    change = models.ForeignKey(
        Change,
        on_delete=models.CASCADE,
        related_name="exemptions",
        db_index=False,  # the constraint's index begins with it
        verbose_name=gettext_lazy("change"),
    )
    #: The label of the record's model: a deletion takes records of several.
    model = models.CharField(gettext_lazy("model"), max_length=200)
    #: The `history_id` of the history record that the change wrote.
    record = models.BigIntegerField(gettext_lazy("record"))

    class Meta:
        verbose_name = gettext_lazy("exemption from an undo")
        verbose_name_plural = gettext_lazy("exemptions from undos")
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["change", "model", "record"], name="one_exemption_per_record"
            )
        ]

    def __str__(self) -> str:
        return f"{self.model} {self.record}"


def exempt(
    change: Change,
    model: type[models.Model],
    records: Iterable[int],
    *,
    of: Iterable[int] | None = None,
) -> None:
    """Have the undo of `change` leave these records alone, and no others of those in `of`.

    Args:
        records: the `history_id`s of records that the change wrote.
        of: the records that were asked about; all of the model's by default.

    Raises JobStopped if somebody has begun to undo the change.
    """
    label = model._meta.label
    before = Exemption.objects.filter(change=change, model=label)
    with transaction.atomic():
        changes = Change.objects.select_for_update().filter(status=Change.Status.DONE)
        if changes.filter(pk=change.pk).first() is None:
            raise JobStopped
        (before if of is None else before.filter(record__in=of)).delete()
        Exemption.objects.bulk_create(
            (Exemption(change=change, model=label, record=record) for record in records),
            ignore_conflicts=True,  # somebody else may choose the same ones now
        )
