"""Whoever could export, since they may view a model, gets its new permission to export."""

from django.conf import settings
from django.core.exceptions import FieldDoesNotExist
from django.db import migrations


def grant(apps, schema_editor):
    from backoffice.admin.lists.export_rights import exported_models

    using = schema_editor.connection.alias
    user_model = apps.get_model(settings.AUTH_USER_MODEL)
    permissions = apps.get_model("auth", "Permission").objects.using(using)
    holders = [apps.get_model("auth", "Group").permissions]
    try:
        user_model._meta.get_field("user_permissions")
        holders.append(user_model.user_permissions)
    except FieldDoesNotExist:
        pass  # accounts without permissions of their own
    for opts in sorted((model._meta for model in exported_models()), key=str):
        seen = permissions.filter(
            content_type__app_label=opts.app_label,
            content_type__model=opts.model_name,
            codename__in=(f"view_{opts.model_name}", f"change_{opts.model_name}"),
        )
        if not seen:
            continue  # a new database, or a new model
        export, _made = permissions.get_or_create(
            content_type=seen[0].content_type,
            codename=f"export_{opts.model_name}",
            defaults={"name": f"Can export {opts.verbose_name_raw}"},
        )
        for descriptor in holders:
            links = descriptor.through._base_manager.using(using)
            holder = descriptor.field.m2m_field_name() + "_id"
            could = set(links.filter(permission__in=seen).values_list(holder, flat=True))
            have = set(links.filter(permission=export).values_list(holder, flat=True))
            links.bulk_create(
                descriptor.through(permission=export, **{holder: pk})
                for pk in sorted(could - have)
            )


class Migration(migrations.Migration):
    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        ("backoffice", "0016_scopes"),
        ("contenttypes", "0002_remove_content_type_name"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [migrations.RunPython(grant, migrations.RunPython.noop, elidable=True)]
