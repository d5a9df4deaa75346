from django.contrib.auth.management.commands import createsuperuser

from backoffice.management.accounts import NotesAccounts


class Command(NotesAccounts, createsuperuser.Command):
    """Django's, in the trail."""
