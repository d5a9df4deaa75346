"""Everything is the admin; the bare address leads there."""

from typing import Any

from django.conf import settings
from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

handler400 = "backoffice.admin.submissions.errors.bad_request"
handler403 = "backoffice.admin.submissions.errors.permission_denied"
handler404 = "backoffice.admin.submissions.errors.not_found"
handler500 = "backoffice.admin.submissions.errors.server_error"

urlpatterns: list[Any] = [
    path("admin/", admin.site.urls),
    path("", RedirectView.as_view(pattern_name="admin:index")),
]
if settings.OIDC_RP_CLIENT_ID:
    urlpatterns.append(path("oidc/", include("backoffice.signin.oidc_urls")))
