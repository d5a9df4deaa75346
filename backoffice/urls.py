"""Everything is the admin; the bare address leads there."""

from django.contrib import admin
from django.urls import path
from django.views.generic import RedirectView

handler400 = "backoffice.admin.submissions.errors.bad_request"
handler403 = "backoffice.admin.submissions.errors.permission_denied"
handler404 = "backoffice.admin.submissions.errors.not_found"
handler500 = "backoffice.admin.submissions.errors.server_error"

urlpatterns = [
    path("admin/", admin.site.urls),
    path("", RedirectView.as_view(pattern_name="admin:index")),
]
