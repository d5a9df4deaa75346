"""The rows that would be written as instances of the model, for its own `clean()`.

Used only where a model overrides it: to make an instance of each row takes time.
"""

from collections.abc import Iterator
from itertools import chain
from typing import Any, cast

from django.core.exceptions import NON_FIELD_ERRORS, ObjectDoesNotExist, ValidationError
from django.db.models import ForeignKey, Model, prefetch_related_objects
from django.utils.translation import gettext as _

from backoffice.imports.rows import Rows
from backoffice.tables.table import ModelField

CHUNK = 1_000


class Instances:
    def __init__(self, rows: Rows) -> None:
        self.rows, self.table, self.staging = rows, rows.table, rows.staging
        fields = self.table.opts.concrete_fields
        self.sql, self.params = rows.as_written({f.name for f in fields} | {""})
        self.foreign_keys = [
            cast(ForeignKey[Any, Any], field) for field in fields if field.is_relation
        ]

    def clean(self) -> bool:
        """Have `clean()` called for each, and stage what it makes of them in `cleaned`.

        Whether a row was rejected. A fixed number of statements for each chunk of rows.
        """
        has_rejects = False
        self.table.execute(f"DELETE FROM {self.staging.cleaned}")
        self._keep_unchanged()
        for chunk in self._chunks():
            rejects: list[Any] = []
            cleaned: list[Any] = []
            for instance in chunk:
                key = instance.pk
                try:
                    instance.clean()
                except ValidationError as error:
                    rejects += _rejects(instance, error)
                except ObjectDoesNotExist as error:
                    rejects += _rejects(instance, _not_yet_there(error))
                else:
                    instance.pk = key
                    cleaned.append((instance.line_, *map(self._value(instance), self._fields)))
            if rejects:
                self.staging.write_rejects(rejects)
                has_rejects = True
            if cleaned:
                self.staging.write(self.staging.cleaned, 1 + len(self._fields), cleaned)
        self.staging.analyze(self.staging.cleaned)
        return has_rejects

    @property
    def _fields(self) -> list[ModelField]:
        return self.staging.cleaned_fields

    def _value(self, instance: Any) -> Any:
        connection = self.table.connection
        return lambda field: field.get_db_prep_save(
            getattr(instance, field.attname), connection
        )

    def _keep_unchanged(self) -> None:
        """Rows that wouldn't be written stand in `cleaned` as they are."""
        columns = ", ".join(f"written.{self.table.column(field)}" for field in self._fields)
        self.table.execute(
            f"INSERT INTO {self.staging.cleaned} SELECT written.line_, {columns}"
            f" FROM ({self.sql}) written WHERE written.action_ = 'unchanged'",
            self.params,
        )

    def _chunks(self) -> Iterator[list[Any]]:
        line = 0
        while instances := self._read(
            f"written.action_ <> 'unchanged' AND written.line_ > %s"
            f" ORDER BY written.line_ LIMIT {CHUNK:d}",
            [line],
        ):
            self._fetch_related(instances)
            yield instances
            line = instances[-1].line_

    def _read(self, condition: str, params: list[Any]) -> list[Any]:
        found: Any = self.table.model._base_manager.using(self.table.connection.alias).raw(
            f"SELECT written.* FROM ({self.sql}) written WHERE {condition}",
            [*self.params, *params],
        )
        instances = list(found)
        for instance in instances:
            instance._state.adding = instance.action_ == "new"
        return instances

    def _fetch_related(self, instances: list[Model]) -> None:
        """A statement for each foreign key. A row of the file itself is made of its row."""
        prefetch_related_objects(instances, *(field.name for field in self.foreign_keys))
        for field in self.foreign_keys:
            if (
                field.target_field.model._meta.concrete_model
                is not self.table.opts.concrete_model
            ):
                continue
            absent = [
                instance
                for instance in instances
                if getattr(instance, field.attname) is not None
                and field.get_cached_value(instance) is None
            ]
            keys = list({getattr(instance, field.attname) for instance in absent})
            target = field.target_field
            prepared = [target.get_db_prep_value(key, self.table.connection) for key in keys]
            marks = ", ".join(["%s"] * len(keys))
            column = self.table.column(target)
            rows = self._read(f"written.{column} IN ({marks})", prepared) if keys else []
            by_key = {getattr(row, target.attname): row for row in rows}
            for instance in absent:
                if found := by_key.get(getattr(instance, field.attname)):
                    field.set_cached_value(instance, found)


def _not_yet_there(error: ObjectDoesNotExist) -> ValidationError:
    return ValidationError(
        _(
            "The check of this model asks for a record that only this file creates (%s)."
            " Import that row first, by itself."
        )
        % error
    )


def _rejects(instance: Any, error: ValidationError) -> Iterator[tuple[Any, ...]]:
    """A reject for each field that the error is about."""
    errors: dict[str, list[ValidationError]] = error.update_error_dict({})
    for name, found in errors.items():
        message = " ".join(chain.from_iterable(e.messages for e in found))
        field = "" if name == NON_FIELD_ERRORS else name
        yield instance.line_, field, "", "refused", message, None
