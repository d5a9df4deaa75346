"""The models of this app, each where it belongs; Django looks for them here."""

from backoffice.changes.decisions import Decision
from backoffice.changes.exemptions import Exemption
from backoffice.changes.models import BulkEdit, Change, ImportFile
from backoffice.changes.profiles import Profile
from backoffice.exports.made import ExportFile
from backoffice.exports.profiles import ExportProfile
from backoffice.filters.models import SavedFilter
from backoffice.filters.scopes import Scope
from backoffice.first_steps import FirstSteps
from backoffice.jobs.workers import Worker
from backoffice.languages import Language
from backoffice.machines import Shared
from backoffice.roles import Role
from backoffice.sessions.models import Session
from backoffice.submissions import Submission
from backoffice.trail.models import Entry

__all__ = [
    "BulkEdit",
    "Change",
    "Decision",
    "Entry",
    "Exemption",
    "ExportFile",
    "ExportProfile",
    "FirstSteps",
    "ImportFile",
    "Language",
    "Profile",
    "Role",
    "SavedFilter",
    "Scope",
    "Session",
    "Shared",
    "Submission",
    "Worker",
]
