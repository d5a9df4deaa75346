from django.db import migrations, models

from backoffice.tables.operations import AddSearchIndex

# The orders of lists, each with the primary key at its end.
ORDERS = {
    "library": ("library_name_zip", ["name", "zip_code", "id"]),
    "patron": ("patron_name_library", ["name", "library", "id"]),
    "librarian": ("librarian_name", ["name", "id"]),
    "book": ("book_title", ["title", "id"]),
}
SEARCHED = {
    "library": ["name", "address", "zip_code", "phone_number"],
    "patron": ["name"],
    "librarian": ["name"],
    "book": ["title"],
}


class Migration(migrations.Migration):
    dependencies = [("library", "0002_history_without_needless_indexes")]

    operations = [
        *(migrations.RemoveIndex(model, name) for model, (name, _fields) in ORDERS.items()),
        *(
            migrations.AddIndex(model, models.Index(fields=fields, name=name))
            for model, (name, fields) in ORDERS.items()
        ),
        *(
            AddSearchIndex(model_name=model, fields=fields, name=f"{model}_search")
            for model, fields in SEARCHED.items()
        ),
    ]
