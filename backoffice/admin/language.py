"""The switch of languages in the header, and where its form is sent."""

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.views.decorators.http import require_POST
from django.views.i18n import set_language

from backoffice.languages import is_offered, keep
from backoffice.signin.second_factor import is_pending


@require_POST
def choose_language(request: HttpRequest) -> HttpResponseBase:
    """Django's view, which sets a cookie; the account of whoever is signed in keeps it too."""
    response = set_language(request)
    code = request.POST.get("language", "")
    if is_offered(code) and request.user.is_authenticated and not is_pending(request):
        keep(request, code)
    return response
