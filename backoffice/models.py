"""The models of this app, each where it belongs; Django looks for them here."""

from backoffice.changes.models import ImportJob
from backoffice.filters.models import SavedFilter

__all__ = ["ImportJob", "SavedFilter"]
