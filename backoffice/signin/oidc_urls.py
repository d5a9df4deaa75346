"""The two pages of single sign-on, included only where it is on."""

from django.urls import path
from mozilla_django_oidc.views import OIDCAuthenticationRequestView

from backoffice.signin.oidc import Callback

urlpatterns = [
    path("callback/", Callback.as_view(), name="oidc_authentication_callback"),
    path(
        "authenticate/",
        OIDCAuthenticationRequestView.as_view(),
        name="oidc_authentication_init",
    ),
]
