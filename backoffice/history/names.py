"""The names of rows as a record of history has them, be they still there or not."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from django.core.exceptions import ObjectDoesNotExist
from django.db.models import F

from backoffice.querysets.names import Naming
from backoffice.querysets.reach import Reach


def name_then(record: Any) -> str:
    """The row of a record, as staff call it, even if it is named after a row that is gone."""
    try:
        return str(record.instance)
    except ObjectDoesNotExist:
        opts = record.instance_type._meta
        return f"{opts.verbose_name} {getattr(record, opts.pk.attname)}"


def names_then(records: Sequence[Any], reach: Reach) -> list[str]:
    """The names of the rows of `records`, which are of one model, by one statement at most.

    What tells namesakes apart stands where a row that is there has the name, or another row
    of `records`. reach: of whoever reads the names.
    """
    texts = [name_then(record) for record in records]
    naming = Naming.of(records[0].instance_type) if records else None
    if naming is None:
        return texts
    history, pk = type(records[0]), naming.model._meta.pk.attname
    rows = history._base_manager.filter(pk__in=[record.pk for record in records])
    found = {
        number: (is_shared, details)
        for number, is_shared, *details in rows.order_by().values_list(
            "pk", naming.is_shared_then(reach), *(F(path) for path in naming.details)
        )
    }
    keys = defaultdict(set)
    for record, text in zip(records, texts, strict=True):
        keys[text].add(getattr(record, pk))
    return [
        naming.text(text, found[record.pk][1])
        if found[record.pk][0] or len(keys[text]) > 1
        else text
        for record, text in zip(records, texts, strict=True)
    ]
