"""The horizontal picker of many rows: a form field that receives only the changes.

The page has none of the rows: `horizontal.js` asks `picker_rows` for them, page by page,
and sends the keys of the rows added and removed, packed into one input each. Without
JavaScript, the chosen rows are listed on demand with checkboxes, and rows are added by the
texts that imports read: `name`, or `name (zip_code)`.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django import forms
from django.contrib.admin.widgets import FilteredSelectMultiple
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.core.paginator import Paginator
from django.db.models import Model
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from backoffice.admin.pickers.autocomplete import MAX_ALL
from backoffice.history.historical_records import chunked
from backoffice.querysets.names import names
from backoffice.resources.references import ReferenceKey

NAMED = 5  # values that an error names
LISTED = 100  # rows on a page of the list without JavaScript
MAX_NAMES = 1_000  # lines of names at a time


@dataclass(frozen=True)
class LinkChanges:
    """Primary keys to link and to unlink."""

    added: list[Any]
    removed: list[Any]


@dataclass
class Posted:
    """What a browser sent: packed keys, ticked keys, and names, one per line."""

    complete: bool = True  # False if the page had no such picker
    added: str = ""
    removed: str = ""
    ticked: list[str] = field(default_factory=list)
    names: str = ""

    def __bool__(self) -> bool:
        packed = {self.added, self.removed} - {"", "[]"}
        return bool(packed or self.ticked or self.names.strip())


class LinksWidget(forms.Widget):
    """Looks like Django's FilteredSelectMultiple; its value is a Posted."""

    template_name = "admin/backoffice/horizontal.html"
    allow_multiple_selected = True  # so that RelatedFieldWidgetWrapper only offers to add

    class Media:
        css = {"all": ["backoffice/horizontal.css"]}
        js = [forms.Script("backoffice/horizontal.js", defer=True)]

    def __init__(self, links: Any, *, url: str, params: Any) -> None:
        """
        Args:
            url: of the view that returns the rows.
            params: the QueryDict of the form's URL, with the page of the list without
                JavaScript, if it is shown.
        """
        super().__init__()
        self.links, self.url, self.params = links, url, params

    def id_for_label(self, id_: Any) -> str:
        return f"{id_}_input"

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Posted:
        ticked = f"{name}-remove"
        return Posted(
            complete=f"{name}-added" in data,
            added=data.get(f"{name}-added", ""),
            removed=data.get(f"{name}-removed", ""),
            ticked=data.getlist(ticked) if hasattr(data, "getlist") else data.get(ticked, []),
            names=data.get(f"{name}-names", ""),
        )

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        context = super().get_context(name, value, attrs)
        value = value or Posted()
        relation, obj = self.links.relation, self.links.obj
        pending = {side: self.pending(getattr(value, side)) for side in ("added", "removed")}
        address, page_param = self.params.copy(), f"{name}-page"
        page = address.get(page_param)
        address.pop(page_param, None)
        address[page_param] = ""  # last, so that the template can append a page number
        chosen = page and Paginator(self.links.chosen(), LISTED).get_page(page)
        context["widget"] |= {
            "anchor": anchor_of(name),
            "label": relation.related_model._meta.verbose_name_plural,
            "data": {
                "url": self.url,
                "object_id": "" if obj is None else obj.pk,
                "limit": MAX_ALL,
            },
            "pending": pending,
            "pending_id": f"{context['widget']['attrs']['id']}_pending",
            "packed": {
                side: json.dumps([row["id"] for row in rows]) for side, rows in pending.items()
            },
            "page": chosen,
            "listed": zip(chosen, names(chosen, self.links.reach), strict=True)
            if chosen
            else (),
            "address": f"?{address.urlencode()}",
            "ticked": value.ticked,
            "names": value.names if reference_key(relation.related_model) else None,
        }
        return context

    def pending(self, packed: str) -> list[dict[str, str]]:
        """The rows that were sent and are not saved yet, in their order."""
        try:
            keys, _refused = unpacked(packed, self.links)
        except ValidationError:
            return []
        return [{"id": str(key), "text": text} for key, text in self.links.texts(keys).items()]


class LinksField(forms.Field):
    """Cleans the Posted of a LinksWidget to LinkChanges."""

    default_error_messages = {
        "incomplete": gettext_lazy(
            "This list has grown since the page was opened, and is now shown page by page."
            " Choose again, then save."
        ),
        "unreadable": gettext_lazy("What was chosen arrived damaged. Choose again, then save."),
    }

    def __init__(self, links: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.links = links

    def has_changed(self, initial: Any, data: Any) -> bool:
        return bool(data)

    def clean(self, value: Any) -> Any:
        if not value.complete:
            raise ValidationError(self.error_messages["incomplete"], code="incomplete")
        added, refused = unpacked(value.added, self.links)
        removed, _refused = unpacked(value.removed, self.links)
        removed += unpacked(json.dumps(value.ticked), self.links)[0]
        found, problems = found_by_name(value.names, self.links)
        both = set(added) & set(removed)
        visible = self.links.visible([*added, *removed])
        refused += [key for key in added if key not in visible]
        if refused:
            problems.append(self.refusal(refused))
        if problems:
            raise ValidationError(problems)
        changes = LinkChanges(
            added=list(dict.fromkeys([key for key in added if key not in both] + found)),
            # A key that this user can't see, or that is gone, needs no removal.
            removed=[key for key in removed if key in visible - both],
        )
        # A row that has no links already can be saved as it is.
        is_new = self.links.obj is None or self.links.obj._state.adding
        loses = self.required and not changes.added and (is_new or changes.removed)
        if loses and not self.remaining(changes.removed):
            raise ValidationError(self.error_messages["required"], code="required")
        return changes

    def refusal(self, refused: list[Any]) -> ValidationError:
        shown = ", ".join(f"“{str(value)[:20]}”" for value in refused[:NAMED])
        shown = shown.encode("utf-8", "replace").decode()  # half a surrogate pair can't be sent
        return ValidationError(
            ngettext(
                "%(number)d of the %(names)s that you chose was left out, because it no longer"
                " exists or you may not see it: %(values)s. Check, then save again.",
                "%(number)d of the %(names)s that you chose were left out, because they no"
                " longer exist or you may not see them: %(values)s. Check, then save again.",
                len(refused),
            ),
            code="unknown",
            params={
                "number": len(refused),
                "names": self.links.opts.verbose_name_plural,
                "values": shown + ("…" if len(refused) > NAMED else ""),
            },
        )

    def remaining(self, removed: Iterable[Any]) -> int:
        """How many links a save would leave, including those to unseen rows."""
        gone = (self.links.to(chunk).count() for chunk in chunked(dict.fromkeys(removed)))
        return int(self.links.all.count() - sum(gone))


class AnchoredSelect(FilteredSelectMultiple):
    """Django's picker, with a place that links lead to."""

    def render(self, name: str, *args: Any, **kwargs: Any) -> Any:
        anchor = format_html('<span class="anchor" id="{}"></span>', anchor_of(name))
        return anchor + super().render(name, *args, **kwargs)


def anchor_of(name: str) -> str:
    """The id of the place on a form's page where the links of a relation are."""
    return f"{name}-links"


def unpacked(packed: str, links: Any) -> tuple[list[Any], list[Any]]:
    """The keys in a JSON list of texts: `(distinct keys in order, refused values)`.

    Raises ValidationError if it is not such a list.
    """
    try:
        values = json.loads(packed or "[]")
    except (ValueError, RecursionError):
        values = None
    if not isinstance(values, list):
        raise ValidationError(
            LinksField.default_error_messages["unreadable"], code="unreadable"
        )
    keys, refused = {}, []
    for value in values:
        try:
            keys[links.clean_key(value)] = True
        except ValidationError:
            refused.append(value)
    return list(keys), refused


def picks_to_save(links: Any, packed: Mapping[str, str]) -> dict[str, list[dict[str, str]]]:
    """The rows of `added` and `removed`, packed keys, that aren't linked, or unlinked, yet."""
    rows = {}
    for side in ("added", "removed"):
        try:
            keys, _refused = unpacked(packed.get(side, ""), links)
        except ValidationError:
            keys = []
        linked = {key for chunk in chunked(keys) for key in links.targets(links.to(chunk))}
        left = [key for key in keys if (key in linked) == (side == "removed")]
        rows[side] = [{"id": str(key), "text": text} for key, text in links.texts(left).items()]
    return rows


def reference_key(model: type[Model]) -> ReferenceKey | None:
    """The key by which imports refer to rows of `model`; None if it has no Resource."""
    key = ReferenceKey(model)
    try:
        return key if key.paths else None
    except ImproperlyConfigured:
        return None


def found_by_name(names: str, links: Any) -> tuple[list[Any], list[ValidationError]]:
    """Look up names, one per line: `(keys, ValidationErrors)`.

    It takes two statements for each 1,000 names.
    """
    texts = list(dict.fromkeys(line.strip() for line in names.splitlines() if line.strip()))
    key = reference_key(links.relation.related_model)
    if not texts or key is None:
        return [], []
    if len(texts) > MAX_NAMES:
        message = _("At most %(number)d names at a time; there are %(given)d.")
        params = {"number": MAX_NAMES, "given": len(texts)}
        return [], [ValidationError(message, code="too_many", params=params)]
    by_label, by_full_text = defaultdict(set), defaultdict(set)
    labels = {label for text in texts for label in key.label_candidates(text)}
    for chunk in chunked(label for label in labels if "\x00" not in label):
        for pk, label, full in key.queryset().filter(_label__in=chunk):
            by_label[label].add(pk)
            by_full_text[full].add(pk)
    named = {text: by_full_text[text] or by_label[text] for text in texts}
    visible = links.visible(set().union(*named.values()))
    found, problems = [], []
    for text, records in named.items():
        pks = records & visible
        if len(pks) == 1:
            found += pks
        else:
            problems.append(name_problem(text[:200], len(pks), key, links.opts))
    return found, problems


def name_problem(text: str, number: int, key: Any, opts: Any) -> ValidationError:
    params = {"text": text, "number": number, "names": opts.verbose_name_plural}
    if not number:
        message = _("“%(text)s” is not the name of one of the %(names)s that you may choose.")
        return ValidationError(message, code="unknown", params=params)
    label, *others = key.paths
    params["form"] = f"{label} ({', '.join(others)})"
    message = _("“%(text)s” is the name of %(number)d %(names)s: write it as %(form)s.")
    return ValidationError(message, code="ambiguous", params=params)
