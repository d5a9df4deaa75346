"""The form of the columns page: which column is which field, and what is written of a file."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _

from backoffice.admin.changes.choices import choice_fields
from backoffice.changes.models import Change
from backoffice.changes.profiles import Profile, headers_key
from backoffice.imports.engine import Import
from backoffice.imports.mapping import MappingError, map_columns, placed_headers
from backoffice.imports.options import Options
from backoffice.imports.sample import ROWS, Key, Sample, Value
from backoffice.imports.twins import Alike
from backoffice.querysets.reach import Reach
from backoffice.querysets.scopes import within
from backoffice.readers.records import Record
from backoffice.readers.source import Source
from backoffice.resources.headers import loose

SAMPLED = 3  # values shown for each column
LONGEST = 200  # characters of a value that can be read as another


@dataclass(frozen=True)
class Row:
    """A field of the Resource: its inputs, examples, and the values of its column.

    count: how many texts the column has in the sample · bad: how many of those listed can't
    be read · values: None where no column is chosen.
    """

    field: forms.BoundField
    constant: forms.BoundField
    keep: forms.BoundField
    samples: list[str]
    is_key: bool
    count: int = 0
    bad: int = 0
    values: list[Value] | None = None

    @property
    def originals(self) -> str:
        return json.dumps([value.text for value in self.values or ()])


class ColumnsForm(forms.Form):
    """A column for each field of the Resource, and the other choices for an import.

    options: what the form starts with · `samples`: the first distinct values by header ·
    user: who chooses · may_delete: whether a mirror is offered · `lost_mirror`: that of the
    options or of their profile, where it is not · `unused`: the headers that are mapped to no
    field.

    Names of fields have no hyphen, so the names of the other inputs have one.
    """

    def __init__(
        self,
        job: Change,
        source: Source,
        options: Mapping[str, Any],
        data: Any = None,
        *,
        user: Any = None,
        may_delete: bool = False,
    ) -> None:
        self.job, self.source, self.start = job, source, options
        self.may_delete, self.user = may_delete, user
        self.resource_class = job.file.resource_class
        self.spellings: dict[str, Sequence[str]] = self.resource_class.spellings()
        super().__init__(data)
        self._rows: list[Record] = next(source.chunks(ROWS), [])[:ROWS]
        self.samples = self._samples()
        self._add_columns()
        self._add_choices()

    def _add_columns(self) -> None:
        headers = _choices(self.source.headers)
        mapped, constants = self._mapped(), self.start.get("constants") or {}
        labels = self.resource_class.titles()
        for name in self.spellings:
            self.fields[name] = forms.ChoiceField(
                label=labels[name],
                choices=[("", _("(not in the file)")), *headers],
                required=False,
                initial="" if name in constants else mapped.get(name, ""),
            )
            self.fields[f"constant-{name}"] = forms.CharField(
                label=_("%s in every row") % labels[name],
                initial=constants.get(name, ""),
                required=False,
                max_length=LONGEST,
            )
            self.fields[f"keep-{name}"] = forms.BooleanField(
                label=_("Updates leave %s as it is") % labels[name],
                initial=name in (self.start.get("protected") or ()),
                required=False,
            )

    def _add_choices(self) -> None:
        start = self.start
        profiles = within(Profile.objects.for_model(self.job.model_class), self.user)
        names = list(profiles.values_list("name", flat=True))
        used = profiles.filter(name=start.get("profile", "")).first()
        mirror = start.get("mirror") or (used and used.options.get("mirror"))
        self.lost_mirror = [] if self.may_delete else list(mirror or ())
        match = start.get("match") or self.resource_class._meta.import_id_fields
        repairs = [(n, repair.label) for n, repair in self.resource_class.repairs.items()]
        self.fields |= choice_fields(
            start,
            headers=headers_key(self.source.headers),
            profiles=names,
            match=match,
            repairs=repairs,
            may_delete=self.may_delete,
        )

    def _mapped(self) -> dict[str, str]:
        """The header for each field: as it was chosen, else by its spelling."""
        chosen = self.start.get("overrides") or {}
        try:
            found = map_columns(
                self.source.headers,
                spellings=self.spellings,
                overrides={name: header for name, header in chosen.items() if not header},
            ).as_dict()
        except MappingError:
            found = {}
        there = {loose(header): header for header, _label in _choices(self.source.headers)}
        return {**found, **{name: there.get(loose(h), "") for name, h in chosen.items()}}

    def _samples(self) -> dict[str, list[str]]:
        """The first distinct values of each column, by header."""
        headers = self.source.headers
        samples: dict[str, list[str]] = {placed: [] for placed in placed_headers(headers)}
        for _line, cells, _problem in self._rows:
            for found, cell in zip(samples.values(), cells, strict=False):
                if len(found) < SAMPLED and cell.strip() and cell not in found:
                    found.append(shown(cell))
        of_first = zip(reversed(headers), reversed(samples.values()), strict=True)
        return {**samples, **dict(of_first)}

    # What was chosen ----------------------------------------------------------------

    @property
    def unused(self) -> list[str]:
        used = {self[name].value() for name in self.spellings}
        headers = self.source.headers
        return [
            header
            for header, placed in zip(headers, placed_headers(headers), strict=True)
            if header and header not in used and placed not in used
        ]

    @property
    def match(self) -> list[str]:
        return str(self["with-match"].value()).split(",")

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        for name in self.spellings:
            if cleaned.get(name) and cleaned.get(f"constant-{name}"):
                self.add_error(name, _("Choose a column, or a text for every row; not both."))
        for name in self.match:
            if name in self.spellings and not self._is_given(name):
                self.add_error(name, _("It is needed to tell records apart."))
        if not self.errors:
            try:
                self._start(self.options())
            except MappingError as error:
                raise forms.ValidationError(str(error)) from error
        return cleaned

    def _is_given(self, name: str) -> bool:
        return bool(self[name].value() or self[f"constant-{name}"].value())

    def chosen(self) -> Mapping[str, Any]:
        """What was chosen so far: valid choices, or what the form starts with."""
        if not self.is_bound:
            return self.start
        self.is_valid()  # which cleans what was sent
        return self.options()

    def options(self) -> dict[str, Any]:
        """The choices, as `ImportFile.options` has them; as far as they are valid."""
        get = self.cleaned_data.get
        constants = {name: get(f"constant-{name}") for name in self.spellings}
        constants = {name: text for name, text in constants.items() if text}
        return {
            "overrides": {
                name: get(name, "") for name in self.spellings if name not in constants
            },
            "constants": constants,
            "protected": [name for name in self.spellings if get(f"keep-{name}")],
            "values": self._values(),
            "match": self.match,
            "only": get("with-only", ""),
            "alike": get("with-alike", ""),
            "nothing": _lines(get("with-nothing", "")),
            "clear_blank": get("with-clear_blank", False),
            "repairs": get("with-repairs", []),
            "mirror": _lines(get("with-mirror", "")) if self.may_delete else [],
            "profile": get("with-profile", ""),
            "headers_key": headers_key(self.source.headers),
        }

    def _values(self) -> dict[str, dict[str, str]]:
        """`{field: {value: text}}` of the values that are read as another text."""
        rules = {}
        for name in self.spellings:
            try:
                texts = json.loads(self.data.get(f"values-{name}") or "[]")
            except ValueError:
                continue
            typed = {
                text: self.data.get(f"values-{name}-{i}", text).strip()
                for i, text in enumerate(texts)
                if isinstance(text, str)
            }
            if own := {text: other for text, other in typed.items() if other != text}:
                rules[name] = own
        return rules

    # What the page shows ------------------------------------------------------------

    @property
    def hidden(self) -> str:
        names = [name for name in ("with-headers", "with-profile") if self[name].is_hidden]
        return mark_safe("".join(str(self[name]) for name in names))  # noqa: S308 - of widgets

    @property
    def profile(self) -> forms.BoundField:
        return self["with-profile"]

    @property
    def profile_name(self) -> forms.BoundField:
        return self["with-name"]

    @property
    def only(self) -> forms.BoundField:
        return self["with-only"]

    @property
    def match_name(self) -> str:
        return ",".join(self.match)

    @property
    def more(self) -> list[forms.BoundField]:
        names = ["alike", "nothing", "clear_blank", "repairs", "mirror"]
        fields = [self[f"with-{name}"] for name in names]
        return [field for field in fields if not field.is_hidden]

    @property
    def has_more(self) -> bool:
        """Whether one of the choices that are folded away is not the usual one."""
        return any(
            self[name].value() not in (None, "", False, [], Alike.REJECT, "False")
            for name in self.fields
            if name.startswith("keep-") or self[name] in self.more
        )

    def sample(self) -> Sample | None:
        """The first rows, read as the choices say; None where those don't do."""
        options: dict[str, Any] = dict(self.start)
        if self.is_bound:
            options = dict(self.chosen())
        else:
            options["overrides"] = {name: self[name].value() for name in self.spellings}
            for name in options.get("constants") or ():
                del options["overrides"][name]
        usable = [name for name in self.spellings if self[name].value()]
        for match in (options.get("match"), *([name] for name in usable)):
            try:
                options["match"] = match
                return Sample(self._start(options), self._rows)
            except MappingError:
                continue
        return None

    def _start(self, options: Mapping[str, Any]) -> Import:
        """The import as the choices would have it. Raises MappingError."""
        reach = Reach.of(self.user)
        return Options.of(options).start(self.resource_class, self.source, reach=reach)

    def rows(self, sample: Sample | None) -> list[Row]:
        rows = []
        for name in self.spellings:
            count, values = 0, None
            if sample and name in sample.columns:
                count, listed = sample.values(name)
                values = [value for value in listed if _can_be_typed(value.text)]
            rows.append(
                Row(
                    self[name],
                    self[f"constant-{name}"],
                    self[f"keep-{name}"],
                    self.samples.get(self[name].value() or "", []),
                    name in self.match,
                    count,
                    sum(bool(value.problem) for value in values or ()),
                    values,
                )
            )
        return rows

    def keys(self, sample: Sample | None) -> list[Key]:
        """The match keys to choose from; the chosen one is among them."""
        found = sample.keys(self.match) if sample else []
        if all(key.name != self.match_name for key in found):
            found.insert(0, Key(tuple(self.match), 0, 0, 0, 0, 0))
        return found

    def named(self, keys: list[Key]) -> list[tuple[Key, list[str]]]:
        """The keys with their columns as the form calls them."""
        titles = self.resource_class.titles()
        return [(key, [titles.get(name, name) for name in key.fields]) for key in keys]


def shown(cell: str) -> str:
    """A cell as a page shows it. Half a character, which rejects its row, can't be shown."""
    return cell[:40].encode(errors="replace").decode()


def _lines(text: str) -> list[str]:
    return list(filter(None, map(str.strip, text.splitlines())))


def _choices(headers: Sequence[str]) -> list[tuple[str, str]]:
    """The headers of a file; those that stand twice together, and each by itself."""
    all_of = _("%s (all columns of that name, which must hold the same)")
    choices = {header: header for header in headers if header}
    for header, placed in zip(headers, placed_headers(headers), strict=True):
        if header and placed != header:
            choices |= {header: all_of % header, placed: placed}
    return list(choices.items())


def _can_be_typed(text: str) -> bool:
    """Whether an input of a single line gives the text back as it is."""
    return len(text) <= LONGEST and text.isprintable()
