from django.core.management.commands import loaddata

from backoffice.management.accounts import NotesAccounts


class Command(NotesAccounts, loaddata.Command):
    """Django's; accounts and roles that it writes are in the trail."""
