"""Single sign-on, with a provider on loopback; every token that is not right is refused."""

from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from cryptography.hazmat.primitives.asymmetric import rsa
from django.contrib.auth.models import User
from django.urls import NoReverseMatch, reverse

from backoffice import settings as ours
from backoffice.signin import second_factor
from backoffice.trail.models import Entry
from tests.backoffice.signin import oidc_urls
from tests.backoffice.signin.provider import CLIENT, SECRET, run_provider
from tests.backoffice.test_settings import python
from tests.factories import make_user

pytestmark = pytest.mark.django_db

INDEX = "/admin/"
LIST = "/admin/library/library/"


@pytest.fixture(scope="module")
def running():
    with run_provider() as provider:
        yield provider


@pytest.fixture
def provider(running, settings):
    running.claims, running.signs_with = {}, running.key
    running.person = {"email": "Ann@example.org", "email_verified": True}
    settings.ROOT_URLCONF = oidc_urls.__name__
    settings.AUTHENTICATION_BACKENDS = [
        *ours.AUTHENTICATION_BACKENDS,
        "backoffice.signin.oidc.Backend",
    ]
    settings.OIDC_RP_CLIENT_ID, settings.OIDC_RP_CLIENT_SECRET = CLIENT, SECRET
    settings.OIDC_OP_ISSUER, settings.OIDC_RP_SIGN_ALGO = running.url, "RS256"
    settings.OIDC_OP_AUTHORIZATION_ENDPOINT = f"{running.url}/authorize"
    settings.OIDC_OP_TOKEN_ENDPOINT = f"{running.url}/token"
    settings.OIDC_OP_USER_ENDPOINT = f"{running.url}/userinfo"
    settings.OIDC_OP_JWKS_ENDPOINT = f"{running.url}/jwks"
    settings.OIDC_USE_PKCE, settings.OIDC_CREATE_USER = True, False
    return running


@pytest.fixture
def ann():
    return make_user(username="ann", email="ann@example.org", is_superuser=True)


def sent_back(client, to=""):
    """Where the provider sends the browser, after the page to sign in has sent it there."""
    there = client.get(reverse("oidc_authentication_init"), {"next": to})
    return requests.get(there.url, allow_redirects=False, timeout=10).headers["Location"]


def is_refused(client, back):
    page = client.get(back, follow=True)
    assert "Single sign-on did not let you in." in page.text
    assert page.request["PATH_INFO"] == reverse("admin:login")
    assert client.get(INDEX).status_code == 302
    return True


def test_who_has_an_account_is_signed_in_and_goes_on(client, provider, ann):
    page = client.get(reverse("admin:login"), {"next": LIST})
    assert f"{reverse('oidc_authentication_init')}?next={LIST}" in page.text
    back = sent_back(client, LIST)
    assert client.get(back).url == LIST
    assert client.get(LIST).context["user"] == ann
    entry = Entry.objects.get()
    assert (entry.action, entry.name, entry.address) == ("sign-in", "ann", "127.0.0.1")


def test_a_second_factor_is_asked_for_all_the_same(client, provider, ann):
    second_factor.enroll(ann, second_factor.new_key(), 0)
    client.get(sent_back(client, LIST))
    assert client.get(LIST).url.startswith(reverse("admin:second_factor_code"))


@pytest.mark.parametrize(
    "person",
    [
        {"email": "ann@example.org"},
        {"email": "ann@example.org", "email_verified": False},
        {"email": "ann@example.org", "email_verified": "true"},
        {"email": "", "email_verified": True},
        {"email_verified": True},
        {"email": "nobody@example.org", "email_verified": True},
        {"email": "ann@example.org", "email_verified": True, "sub": "2"},
    ],
    ids=str,
)
def test_who_is_not_surely_the_owner_is_refused(client, provider, ann, person):
    provider.person = person
    assert is_refused(client, sent_back(client))
    assert User.objects.count() == 1  # none is made
    assert set(Entry.objects.values_list("action", flat=True)) == {"sign-in failed"}


@pytest.mark.parametrize("second", [{"is_active": True}], ids=str)
def test_an_address_that_two_accounts_have_is_nobodys(client, provider, ann, second):
    make_user(email="ANN@example.org", **second)
    assert is_refused(client, sent_back(client))


def test_an_inactive_account_is_refused_and_its_session_ends(client, provider, ann):
    client.get(sent_back(client))
    assert client.get(INDEX).status_code == 200
    User.objects.update(is_active=False)
    assert client.get(INDEX).status_code == 302
    assert is_refused(client, sent_back(client))


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://evil.example"},
        {"iss": None},
        {"aud": "another"},
        {"aud": ["another"]},
        {"aud": None},
        {"azp": "another"},
        {"nonce": "another"},
        {"nonce": None},
        {"exp": 1_700_000_000},  # 2023
        {"exp": None},
        {"sub": None},
    ],
    ids=str,
)
def test_a_token_that_is_not_for_this_sign_in_is_refused(client, provider, ann, claims):
    provider.claims = claims
    assert is_refused(client, sent_back(client))


def test_a_token_that_another_signed_is_refused(client, provider, ann):
    provider.signs_with = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    assert is_refused(client, sent_back(client))


def test_the_answer_to_another_browser_or_a_second_time_is_refused(client, provider, ann):
    back = sent_back(client)
    client.get(back)
    client.logout()
    assert is_refused(client, back)
    client.get(reverse("oidc_authentication_init"))
    assert is_refused(client, f"{urlsplit(back).path}?code=1&state=forged")
    assert is_refused(client, f"{urlsplit(back).path}?error=access_denied")
    assert is_refused(client, urlsplit(back).path)


def test_the_code_is_no_good_without_the_proof_of_this_browser(client, provider, ann):
    back = sent_back(client)
    code = parse_qs(urlsplit(back).query)["code"][0]
    provider.asked[code]["code_challenge"] = "of another"
    assert is_refused(client, back)


def test_a_provider_that_is_down_is_no_error_of_the_site(client, provider, ann, settings):
    back = sent_back(client)
    settings.OIDC_OP_TOKEN_ENDPOINT = "http://127.0.0.1:9/token"
    assert is_refused(client, back)


def test_it_is_off_by_default(client):
    assert "organisation" not in client.get(reverse("admin:login")).text
    with pytest.raises(NoReverseMatch):
        reverse("oidc_authentication_init")


def test_the_environment_turns_it_on(tmp_path):
    names = ("RP_CLIENT_ID", "RP_CLIENT_SECRET", "OP_ISSUER", "OP_AUTHORIZATION_ENDPOINT")
    names += ("OP_TOKEN_ENDPOINT", "OP_USER_ENDPOINT", "OP_JWKS_ENDPOINT")
    variables = {f"OIDC_{name}": "https://login.example.org" for name in names}
    code = "import django; django.setup(); from django.urls import reverse;"
    code += "print(reverse('oidc_authentication_callback'))"
    run = python("-c", code, DATA_DIR=str(tmp_path), **variables)
    assert run.stdout.strip() == "/oidc/callback/", run.stderr
    del variables["OIDC_OP_ISSUER"]
    run = python("-c", code, DATA_DIR=str(tmp_path), **variables)
    assert "OIDC_OP_ISSUER" in run.stderr
