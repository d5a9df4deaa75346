"""The links of one row in a many-to-many relation, from either side, by set operations."""

from collections.abc import Iterable
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.functional import cached_property

from backoffice.history.historical_records import chunked
from backoffice.querysets.keys import clean_key
from backoffice.querysets.names import names
from backoffice.querysets.reach import Reach
from backoffice.querysets.related import each_of

FEW = 10_000  # links; up to that, sorting them is faster than walking the order's index


class Links:
    """The links of `obj` (None if it is not saved yet) to rows of `queryset`.

    Links to rows outside `queryset` are not shown, not counted and never changed.

    reach: of whoever reads the names of the rows.
    """

    def __init__(
        self, relation: Any, queryset: QuerySet[Any], obj: Any = None, *, reach: Reach
    ) -> None:
        self.relation, self.obj, self.reach = relation, obj, reach
        self.queryset = queryset.complex_filter(relation.limit or {})

    @property
    def opts(self) -> Any:
        return self.relation.related_model._meta

    @property
    def all(self) -> QuerySet[Any]:
        """All rows of `through` for `obj`, including links to unseen rows."""
        through: QuerySet[Any] = self.relation.links
        if self.obj is None or self.obj.pk is None:
            return through.none()
        return through.filter(**{self.relation.source: self.obj.pk})

    def to(self, pks: Iterable[Any]) -> QuerySet[Any]:
        return self.all.filter(**{f"{self.relation.target}__in": pks})

    def targets(self, links: QuerySet[Any]) -> QuerySet[Any]:
        return links.values_list(self.relation.target, flat=True)

    def count(self) -> Any:
        if not self.queryset.query.has_filters():
            return self.all.count()  # a join would cost ten times as much
        return self.to(self.queryset.order_by().values("pk")).count()

    @cached_property
    def are_few(self) -> bool:
        return not has_more_than(FEW, self.all)

    # Rows ---------------------------------------------------------------------------

    def ordered(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        orders = queryset.query.order_by or self.opts.ordering
        return queryset.order_by(*dict.fromkeys([*orders, "pk"]))

    def chosen(self) -> Any:
        """The linked rows, in their order."""
        linked = self.targets(self.all)
        is_linked = each_of(linked) if self.are_few else Q(pk__in=linked)
        return self.ordered(self.queryset.filter(is_linked))

    def available(self) -> QuerySet[Any]:
        """The rows that are not linked, in their order."""
        linked = self.all.filter(**{self.relation.target: OuterRef("pk")})
        return self.ordered(self.queryset.filter(~Exists(linked)))

    def visible(self, pks: Iterable[Any]) -> Any:
        """The set of those `pks` that are in `queryset`; one statement for each 1,000."""
        found: set[Any] = set()
        for chunk in chunked(pks):
            rows = self.queryset.order_by().filter(pk__in=chunk)
            found.update(rows.values_list("pk", flat=True))
        return found

    def texts(self, pks: Iterable[Any]) -> dict[Any, str]:
        """`{pk: name}` of the rows in `queryset`; two statements for each 1,000."""
        texts: dict[Any, str] = {}
        for chunk in chunked(pks):
            rows = list(self.ordered(self.queryset.filter(pk__in=chunk)))
            texts |= zip((row.pk for row in rows), names(rows, self.reach), strict=True)
        return texts

    # Changes ------------------------------------------------------------------------

    def clean_key(self, value: Any) -> Any:
        return clean_key(self.opts, value)

    def change(self, *, added: Iterable[Any], removed: Iterable[Any]) -> None:
        """Link and unlink primary keys, in chunks; links that are already so are skipped."""
        manager = getattr(self.obj, self.relation.accessor)
        # First what comes: who gets one role for another is never without both.
        for chunk in chunked(added):
            manager.add(*chunk)
        for chunk in chunked(removed):
            if linked := list(self.targets(self.to(chunk))):
                manager.remove(*linked)


def has_more_than(number: int, queryset: QuerySet[Any]) -> bool:
    """Whether `queryset` has more than `number` rows; counts no further than that."""
    return queryset.order_by()[: number + 1].count() > number
