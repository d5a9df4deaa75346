"""The tables of all models as they stand: a field of theirs needs no migration.

Made at once. Operation by operation, Django would render all related models anew for each,
which took several seconds in every run of the tests.
"""

from collections.abc import Iterator

from django.apps import apps
from django.conf import settings
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ModelState, ProjectState


class CreateModels(Operation):
    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        state.__dict__.pop("apps", None)  # rendered once when it is asked for again
        for model in models_of(app_label):
            state.add_model(ModelState.from_model(model))

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        for model in models_of(app_label):
            if not model._meta.proxy:
                schema_editor.create_model(model)

    def database_backwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        for model in reversed(list(models_of(app_label))):
            if not model._meta.proxy:
                schema_editor.delete_model(model)


def models_of(app_label: str) -> Iterator[type[models.Model]]:
    return apps.get_app_config(app_label).get_models()


class Migration(migrations.Migration):
    initial = True
    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("contenttypes", "__latest__"),
        ("backoffice", "__latest__"),
        ("library", "__latest__"),
    ]
    operations = [CreateModels()]
