"""Adding and taking away links of any number of rows, from either side of a many-to-many."""

import contextlib
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Self

from django.core.exceptions import EmptyResultSet
from django.db.models import Exists, F, Model, OuterRef, Q, QuerySet, Window
from django.db.models.functions import RowNumber

from backoffice.changes.keys import compiled
from backoffice.history.records import history_model, names_change
from backoffice.querysets import names
from backoffice.querysets.reach import Reach
from backoffice.querysets.relations import ManyToMany
from backoffice.tables.table import Table

NAMED = 5  # links of a row that a preview names


def keeps_links(relation: ManyToMany) -> bool:
    """Whether history keeps these links, so that a change of them can be undone."""
    field = relation.field
    history = history_model(field.model)
    if history is None or not names_change(field.model):
        return False
    return field.name in {kept.name for kept in history._history_m2m_fields}


@dataclass(frozen=True)
class LinkEdit:
    """Links `added` to each row, and takes away those of its links that are among `lost`.

    added: keys of rows of the other model · lost: rows of `relation.through`, whoever's.
    """

    relation: ManyToMany
    added: tuple[Any, ...]
    lost: QuerySet[Any]

    @classmethod
    def adding(cls, relation: ManyToMany, keys: Collection[Any]) -> Self:
        return cls(relation, tuple(keys), relation.links.none())

    @classmethod
    def removing(cls, relation: ManyToMany, keys: Collection[Any]) -> Self:
        return cls(relation, (), relation.links.filter(**{f"{relation.target}__in": keys}))

    @classmethod
    def setting(
        cls, relation: ManyToMany, keys: Collection[Any], visible: QuerySet[Any]
    ) -> Self:
        """Link exactly these rows; links to rows that aren't `visible` stay as they are."""
        target = f"{relation.target}__in"
        seen = relation.links.filter(**{target: visible.order_by().values("pk")})
        return cls(relation, tuple(keys), seen.exclude(**{target: keys}))

    @property
    def wanted(self) -> QuerySet[Any]:
        """The rows to link."""
        rows: QuerySet[Any] = self.relation.related_model._base_manager.all()
        return rows.filter(pk__in=self.added) if self.added else rows.none()

    @property
    def owner(self) -> type[Model]:
        """The model whose history keeps the links: that which declares them."""
        owner: type[Model] = self.relation.field.model
        return owner

    # Which rows ---------------------------------------------------------------------

    @property
    def differs(self) -> Q:
        """The condition that a row's links change."""
        source, target = self.relation.source, self.relation.target
        condition = Q(Exists(self.lost.filter(**{source: OuterRef("pk")})))
        if self.added:
            linked = self.relation.links.filter(
                **{source: OuterRef(OuterRef("pk")), target: OuterRef("pk")}
            )
            condition |= Q(Exists(self.wanted.filter(~Exists(linked))))
        return condition

    @property
    def empties(self) -> Q:
        """The condition that a row loses all the links that it has."""
        links = self.relation.links.filter(**{self.relation.source: OuterRef("pk")})
        lost = self.lost.order_by().values("pk")
        return Q(Exists(links.filter(pk__in=lost))) & ~Q(Exists(links.exclude(pk__in=lost)))

    @property
    def writes_others(self) -> bool:
        """Whether the history of rows at the other end keeps these links as well."""
        return self.relation.field.remote_field.symmetrical or not self.relation.is_forward

    def others(self, rows: QuerySet[Any]) -> Q:
        """The condition of rows at the other end whose links change as well."""
        source, target = self.relation.source, self.relation.target
        keys = rows.order_by().values("pk")
        lost = self.lost.filter(**{f"{source}__in": keys, target: OuterRef("pk")})
        changes = Q(Exists(lost))
        if self.added:
            linked = self.relation.links.filter(
                **{source: OuterRef("pk"), target: OuterRef(OuterRef("pk"))}
            )
            lacking = rows.order_by().filter(~Exists(linked))
            changes |= Q(pk__in=self.added) & Q(Exists(lacking))
        return changes

    # What they have and get ---------------------------------------------------------

    def now(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        """Pairs of keys: the links of `rows` that this edit finds or takes away, in order."""
        source, target = self.relation.source, self.relation.target
        concerned = Q(pk__in=self.lost.order_by().values("pk"))
        if self.added:
            concerned |= Q(**{f"{target}__in": self.added})
        links = self.relation.links.filter(concerned)
        links = links.filter(**{f"{source}__in": rows.order_by().values("pk")})
        return links.order_by(source, target).values_list(f"{source}_id", f"{target}_id")

    def sample(
        self, rows: Collection[Model], reach: Reach
    ) -> dict[Any, tuple[list[str], list[str]]]:
        """`{pk: (names of the first links that go, of those that come)}` of each row.

        A name more than `NAMED` is an ellipsis.
        """
        source, target = self.relation.source, self.relation.target
        keys = [row.pk for row in rows]
        place = Window(RowNumber(), partition_by=F(source), order_by=target)
        going = (
            self.lost.filter(**{f"{source}__in": keys})
            .annotate(_place=place)
            .filter(_place__lte=NAMED + 1)
            .order_by(source, target)
            .values_list(f"{source}_id", f"{target}_id")
        )
        lost: dict[Any, list[Any]] = {}
        for pk, other in going:
            lost.setdefault(pk, []).append(other)
        linked = set(
            self.relation.links.filter(**{f"{source}__in": keys, f"{target}__in": self.added})
            .order_by()
            .values_list(f"{source}_id", f"{target}_id")
        )
        shown = {*self.added, *(k for found in lost.values() for k in found)}
        rows_shown = self.relation.related_model._base_manager.filter(pk__in=shown)
        texts = {row.pk: names.annotated_name(row) for row in names.named(rows_shown, reach)}
        return {
            pk: (
                named([texts[k] for k in lost.get(pk, ())]),
                named([texts[k] for k in self.added if (pk, k) not in linked and k in texts]),
            )
            for pk in keys
        }

    # Doing it -----------------------------------------------------------------------

    def write(self, keys: str) -> None:
        """Take away and add the links of the rows that the SELECT `keys` finds."""
        relation = self.relation
        through = Table(relation.through)
        opts: Any = relation.through._meta
        source = through.column(opts.get_field(relation.source))
        target = through.column(opts.get_field(relation.target))
        is_mirrored = relation.field.remote_field.symmetrical
        with contextlib.suppress(EmptyResultSet):  # none are taken away
            lost, params = compiled(self.lost.order_by().values("pk"), through)
            through.execute(
                f"DELETE FROM {through.name} WHERE {source} IN ({keys})"
                f" AND {through.pk} IN ({lost})",
                params,
            )
            if is_mirrored:
                through.execute(
                    f"DELETE FROM {through.name} WHERE {target} IN ({keys})"
                    f" AND NOT EXISTS (SELECT 1 FROM {through.name} twin"
                    f" WHERE twin.{source} = {through.name}.{target}"
                    f" AND twin.{target} = {through.name}.{source})"
                )
        with contextlib.suppress(EmptyResultSet):  # none are added
            wanted, params = compiled(self.wanted.order_by().values("pk"), through)
            pairs = [("held", "wanted"), ("wanted", "held")]
            for one, other in pairs[: 1 + is_mirrored]:
                through.execute(
                    f"WITH held(pk) AS ({keys}), wanted(pk) AS ({wanted})"
                    f" INSERT INTO {through.name} ({source}, {target})"
                    f" SELECT {one}.pk, {other}.pk FROM held CROSS JOIN wanted"
                    f" WHERE NOT EXISTS (SELECT 1 FROM {through.name} link"
                    f" WHERE link.{source} = {one}.pk AND link.{target} = {other}.pk)"
                    " ORDER BY held.pk, wanted.pk",
                    params,
                )


def named(texts: list[str]) -> list[str]:
    return texts if len(texts) <= NAMED else [*texts[:NAMED], "…"]
