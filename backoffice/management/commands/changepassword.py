from django.contrib.auth.management.commands import changepassword

from backoffice.management.accounts import NotesAccounts


class Command(NotesAccounts, changepassword.Command):
    """Django's, in the trail."""
