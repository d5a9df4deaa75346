"""Registers the lists of changes, saved filters and the activity on an AdminSite."""

from django.apps import apps
from django.contrib import admin

from backoffice.admin.records.activity import ActivityAdmin
from backoffice.admin.records.changes import EditAdmin, ImportAdmin
from backoffice.admin.records.export_profiles import ExportProfileAdmin
from backoffice.admin.records.exports import ExportsAdmin
from backoffice.admin.records.profiles import ProfileAdmin
from backoffice.admin.records.saved_filters import SavedFilterAdmin
from backoffice.changes.models import BulkEdit, Change
from backoffice.changes.profiles import Profile
from backoffice.exports.made import ExportFile
from backoffice.exports.profiles import ExportProfile
from backoffice.filters.models import SavedFilter
from backoffice.trail.models import Entry


def register_records(site: admin.AdminSite) -> None:
    """Register the lists of changes, of profiles, of saved filters and of the activity."""
    site.register(Change, ImportAdmin)
    site.register(BulkEdit, EditAdmin)
    site.register(Entry, ActivityAdmin)
    site.register(Profile, ProfileAdmin)
    site.register(ExportFile, ExportsAdmin)
    site.register(ExportProfile, ExportProfileAdmin)
    site.register(SavedFilter, SavedFilterAdmin)
    if apps.is_installed("django_tasks_db"):
        # The queue's own rows show less than the changes, and editing one breaks the queue.
        queued = apps.get_model("django_tasks_database", "DBTaskResult")
        if site.is_registered(queued):
            site.unregister(queued)
