"""The project's pages, and beside them this app's, on an AdminSite of its own.

For a test: `pytestmark = pytest.mark.urls("tests.everything.urls")`.
"""

from django.urls import path

from backoffice.urls import urlpatterns as backoffice_urls
from tests.everything.admin import site

urlpatterns = [path("everything/", site.urls), *backoffice_urls]
