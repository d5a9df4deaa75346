"""`manage.py unlock USER`: print a link that signs in to an account that is locked out."""

from typing import Any

from django.conf import settings
from django.contrib.admin.sites import all_sites
from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _

from backoffice.signin import links, second_factor
from backoffice.trail.record import record


class Command(BaseCommand):
    help = (
        "Print a link that signs in to an account once, within an hour, also while somebody"
        " goes on guessing its password; till its hour is over, it stays closed to passwords."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("user", metavar="USER", help="The user name.")
        parser.add_argument(
            "--site",
            help="The address of the site in the link; by default made of ALLOWED_HOSTS.",
        )
        parser.add_argument(
            "--forget-failures",
            action="store_true",
            help="Take passwords again at once; whoever guesses gets as many tries once more.",
        )
        parser.add_argument(
            "--remove-second-factor",
            action="store_true",
            help="Take the app and the recovery codes away: for somebody who lost them.",
        )

    def handle(self, *, user: str, **options: Any) -> None:
        users = get_user_model()
        try:
            account = users._default_manager.get_by_natural_key(user)
        except users.DoesNotExist:
            problem = _("There is no user %s.") % user
            raise CommandError(problem, returncode=2) from None
        if options["forget_failures"] and "axes" in settings.INSTALLED_APPS:
            from backoffice.signin.throttle import forgive  # its table is axes'

            forgive(user)
        record("unlock", name="manage.py", obj=account)
        if options["remove_second_factor"] and second_factor.is_installed():
            second_factor.remove(account)
            record("second factor off", name="manage.py", obj=account)
            self.stderr.write(_("The second factor is taken away."))
        self.stdout.write(f"{options['site'] or own_site()}{page_for(account)}")


def page_for(account: Any) -> str:
    """The path of the link. Raises CommandError where no site has the page."""
    for site in all_sites:
        try:
            return reverse(f"{site.name}:sign_in_by_link", args=[links.token_for(account)])
        except NoReverseMatch:
            continue
    raise CommandError(_("No admin site has the page that signs in by a link."), returncode=2)


def own_site() -> str:
    """The beginning of the site's addresses, as far as the settings say it."""
    if settings.CSRF_TRUSTED_ORIGINS and "*" not in settings.CSRF_TRUSTED_ORIGINS[0]:
        return str(settings.CSRF_TRUSTED_ORIGINS[0])
    host = next((host for host in settings.ALLOWED_HOSTS if host[:1] not in "*."), "localhost")
    return f"{'https' if settings.SECURE_SSL_REDIRECT else 'http'}://{host}"
