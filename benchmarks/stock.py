"""`python -m benchmarks.stock MODEL KIND PHASE FILE`: stock django-import-export.

KIND is default (nothing set), or bulk (as its documentation recommends for speed). PHASE is
preview or confirm, which read the file and call `import_data` as its admin page does, or
export, which writes a CSV file with `export`. History is off, which makes it faster.
"""

import json
import sys
import time

import django

django.setup()

from import_export import resources, widgets  # noqa: E402
from import_export.fields import Field  # noqa: E402
from tablib import Dataset  # noqa: E402

from library.models import Book, Library, Patron  # noqa: E402

for model in (Book, Library, Patron):
    model.skip_history_when_saving = True


def settings(kind):
    if kind == "default":
        return {}
    return {
        "use_bulk": True,
        "batch_size": 1000,
        "skip_diff": True,
        "skip_html_diff": True,
        "skip_unchanged": kind == "bulk-skip",
        "report_skipped": False,
        "use_transactions": True,
    }


def resource(model, kind):
    fields, columns = {}, [f.name for f in model._meta.concrete_fields if not f.primary_key]
    key = {"Library": ["name", "zip_code"], "Patron": ["name", "library"], "Book": ["title"]}
    if model is Patron:
        cached = kind != "default"
        widget = widgets.CachedForeignKeyWidget if cached else widgets.ForeignKeyWidget
        fields["library"] = Field("library", "library", widget(Library, "name"))
    if model is Book:
        columns.append("libraries")
        widget = widgets.ManyToManyWidget(Library, field="name", separator="|")
        fields["libraries"] = Field("libraries", "libraries", widget)
    options = {
        "model": model,
        "fields": columns,
        "import_id_fields": key[model.__name__],
        **settings(kind),
    }
    meta = type("Meta", (), options)
    return type("StockResource", (resources.ModelResource,), {**fields, "Meta": meta})()


def main(name, kind=None, phase=None, path=None):
    if name == "links":
        print(json.dumps({"links": links()}))
        return
    model = {m.__name__: m for m in (Book, Library, Patron)}[name]
    started = time.perf_counter()
    if phase == "export":
        with open(path, "w", encoding="utf-8", newline="") as file:
            file.write(resource(model, kind).export().csv)
        print(json.dumps({"seconds": time.perf_counter() - started}))
        return
    with open(path, encoding="utf-8", newline="") as file:
        data = Dataset().load(file.read(), format="csv")
    result = resource(model, kind).import_data(data, dry_run=phase == "preview")
    seconds = time.perf_counter() - started
    if result.has_errors():
        raise RuntimeError(result.row_errors()[:1] or result.base_errors)
    print(json.dumps({"seconds": seconds, "links": links()}))


def links():
    return Book.libraries.through.objects.count()


if __name__ == "__main__":
    main(*sys.argv[1:])
