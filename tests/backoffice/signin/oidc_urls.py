"""The project's addresses, with single sign-on."""

from django.urls import include, path

from backoffice.urls import urlpatterns as own

urlpatterns = [*own, path("oidc/", include("backoffice.signin.oidc_urls"))]
