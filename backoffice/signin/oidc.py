"""Single sign-on by OpenID Connect, for mozilla-django-oidc; imported only where it is on.

Its package leaves to us whom a token is for and who wrote it. An account is found by its
e-mail address, if the provider says that it has verified that address, and exactly one
account of staff has it. None is ever made: who may do what is given out here.
"""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.backends import ModelBackend
from django.core.exceptions import SuspiciousOperation
from django.db.models import QuerySet
from django.http import HttpResponseRedirect
from django.shortcuts import resolve_url
from django.utils.translation import gettext as _
from jwt import PyJWTError
from mozilla_django_oidc.auth import OIDCAuthenticationBackend
from mozilla_django_oidc.views import OIDCAuthenticationCallbackView
from requests import RequestException

from backoffice.signin import events


class Backend(OIDCAuthenticationBackend):
    """One of `AUTHENTICATION_BACKENDS`."""

    def verify_token(self, token: str, **kwargs: Any) -> Any:
        """The claims. Raises SuspiciousOperation for a token of, or for, somebody else."""
        claims = super().verify_token(token, **kwargs)
        audience = claims.get("aud")
        audiences = audience if isinstance(audience, list) else [audience]
        party = claims.get("azp", self.OIDC_RP_CLIENT_ID)
        if claims.get("iss") != settings.OIDC_OP_ISSUER:
            raise SuspiciousOperation("The token is of another issuer.")
        if self.OIDC_RP_CLIENT_ID not in audiences or party != self.OIDC_RP_CLIENT_ID:
            raise SuspiciousOperation("The token is for another client.")
        if "exp" not in claims or "sub" not in claims:
            raise SuspiciousOperation("The token never ends, or is about nobody.")
        return claims

    def get_userinfo(self, access_token: str, id_token: str, payload: Any) -> Any:
        """What is said of the one whom the token is about."""
        claims = super().get_userinfo(access_token, id_token, payload)
        if claims.get("sub") != payload["sub"]:
            raise SuspiciousOperation("This is about somebody else than the token.")
        return claims

    def verify_claims(self, claims: dict[str, Any]) -> bool:
        """`email_verified` as the standard has it: true, and not a text that says so."""
        return bool(claims.get("email")) and claims.get("email_verified") is True

    def filter_users_by_claims(self, claims: dict[str, Any]) -> QuerySet[Any]:
        users = self.UserModel
        address = {f"{users.get_email_field_name()}__iexact": claims["email"]}
        found: QuerySet[Any] = users._default_manager.filter(is_active=True, **address)
        return found

    def get_user(self, user_id: Any) -> Any:
        """Django's, which ends the sessions of an account that is set inactive."""
        return ModelBackend.get_user(self, user_id)

    # This backend grants nothing: permissions are those of the account, from ModelBackend.

    def has_perm(self, *args: Any, **kwargs: Any) -> bool:
        return False

    def has_module_perms(self, *args: Any, **kwargs: Any) -> bool:
        return False

    def get_all_permissions(self, *args: Any, **kwargs: Any) -> set[str]:
        return set()


class Callback(OIDCAuthenticationCallbackView):
    """Where the provider sends people back to; what is wrong leads to the sign-in page."""

    def get(self, request: Any) -> Any:
        try:
            return super().get(request)
        except (SuspiciousOperation, PyJWTError, RequestException, KeyError) as error:
            events.refused_by_provider(request, error)
            return self.login_failure()

    def login_failure(self) -> HttpResponseRedirect:
        messages.error(
            self.request,
            _(
                "Single sign-on did not let you in. It takes an account of staff here with the"
                " e-mail address that you have there, verified there."
            ),
        )
        return HttpResponseRedirect(resolve_url(settings.LOGIN_URL))
