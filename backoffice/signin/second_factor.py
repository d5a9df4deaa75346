"""The second factor: codes of an app (TOTP), and recovery codes; the devices are django-otp's.

Who has a device is asked for a code after the password, and so is who has a role that must
have one (`SECOND_FACTOR_ROLES`). Until it is given, the session opens no page of an admin site:
see `backoffice.admin.signin.gate`.
"""

import secrets
from base64 import b32encode
from binascii import unhexlify
from typing import Any
from urllib.parse import quote, urlencode

from django.apps import apps
from django.conf import settings
from django.db import router, transaction
from django.http import HttpRequest
from django.utils.crypto import salted_hmac

STATE = "second_factor"  # the key in the session
ASKED, GIVEN = "asked", "given"
EVERYBODY, SUPERUSERS = "*", "superusers"  # in SECOND_FACTOR_ROLES, beside names of groups
CODES = 10  # recovery codes


def is_installed() -> bool:
    return apps.is_installed("django_otp.plugins.otp_totp") and apps.is_installed(
        "django_otp.plugins.otp_static"
    )


def device_of(user: Any) -> Any:
    """The account's app; None if it has none."""
    model = apps.get_model("otp_totp", "TOTPDevice")
    return model.objects.filter(user_id=user.pk, confirmed=True).first()


def is_forced(user: Any) -> bool:
    """Whether the account must have a second factor."""
    roles = set(settings.SECOND_FACTOR_ROLES)
    if not roles or EVERYBODY in roles:
        return bool(roles)
    if SUPERUSERS in roles and user.is_superuser:
        return True
    groups = getattr(user, "groups", None)
    return groups is not None and bool(groups.filter(name__in=roles).exists())


# The session ----------------------------------------------------------------------------


def ask(request: HttpRequest, user: Any) -> bool:
    """Whether whoever signs in just now is asked for a code; the session keeps that."""
    session = getattr(request, "session", None)
    if session is None or not is_installed():
        return False
    asked = device_of(user) is not None or is_forced(user)
    if asked:
        session[STATE] = ASKED
    else:
        session.pop(STATE, None)
    return asked


def is_pending(request: HttpRequest) -> bool:
    """Whether somebody is signed in whose second factor is still missing."""
    session, user = getattr(request, "session", None), getattr(request, "user", None)
    if session is None or user is None or not user.is_authenticated or not is_installed():
        return False
    state = session.get(STATE)
    if state is None:  # signed in before the setting was made
        return is_forced(user)
    return bool(state == ASKED)


def pass_on(request: HttpRequest) -> None:
    """The second factor was given: the session has a new key from here on."""
    request.session[STATE] = GIVEN
    request.session.cycle_key()


# Codes ----------------------------------------------------------------------------------


def verify(user: Any, typed: str) -> bool:
    """Whether it is a code of the app, or one of the recovery codes, which is used up by it.

    django-otp makes whoever errs wait, twice as long each time, and takes no code twice.
    """
    typed = "".join(typed.split()).replace("-", "").lower()
    kind = "otp_totp.TOTPDevice" if typed.isdecimal() else "otp_static.StaticDevice"
    model: Any = apps.get_model(kind)
    with transaction.atomic(using=router.db_for_write(model)):
        devices = model.objects.select_for_update().filter(user_id=user.pk, confirmed=True)
        return any(
            device.verify_token(typed if typed.isdecimal() else _kept(device, typed))
            for device in devices
        )


def enroll(user: Any, key: str, step: int) -> list[str]:
    """Give the account the app with this key; return its recovery codes.

    key: of `new_key` · step: of the code that proved it, so that it is not taken again.
    """
    model: Any = apps.get_model("otp_totp", "TOTPDevice")
    with transaction.atomic(using=router.db_for_write(model)):
        remove(user)
        model.objects.create(user_id=user.pk, name="app", key=key, last_t=step)
        return new_codes(user)


def remove(user: Any) -> bool:
    """Take the app and the recovery codes away; False if there were none."""
    models = [apps.get_model("otp_totp", "TOTPDevice")]
    models += [apps.get_model("otp_static", "StaticDevice")]
    found = [model.objects.filter(user_id=user.pk).delete()[0] for model in models]
    return any(found)


def new_codes(user: Any) -> list[str]:
    """New recovery codes in place of the old; only their keyed digests are stored."""
    device_model: Any = apps.get_model("otp_static", "StaticDevice")
    token_model: Any = apps.get_model("otp_static", "StaticToken")
    with transaction.atomic(using=router.db_for_write(device_model)):
        device_model.objects.filter(user_id=user.pk).delete()
        device = device_model.objects.create(user_id=user.pk, name="recovery codes")
        codes = [b32encode(secrets.token_bytes(10)).decode().lower() for _ in range(CODES)]
        token_model.objects.bulk_create(
            token_model(device=device, token=_kept(device, code)) for code in codes
        )
    return ["-".join(code[n : n + 4] for n in range(0, 16, 4)) for code in codes]


def codes_left(user: Any) -> int:
    token_model: Any = apps.get_model("otp_static", "StaticToken")
    return int(token_model.objects.filter(device__user_id=user.pk).count())


def _kept(device: Any, code: str) -> str:
    """What is stored of a recovery code: 80 bits, worth nothing without SECRET_KEY."""
    mac = salted_hmac(f"backoffice.recovery.{device.pk}", code, algorithm="sha256").digest()
    return b32encode(mac[:10]).decode()


def new_key() -> str:
    """The secret of a new app: 160 bits, as hexadecimal digits."""
    return secrets.token_hex(20)


def uri(user: Any, key: str, issuer: str) -> str:
    """What the QR code says: the secret, and how the app names it."""
    label = f"{issuer.replace(':', ' ')}:{user.get_username()}"
    secret = b32encode(unhexlify(key)).decode()
    return f"otpauth://totp/{quote(label)}?{urlencode({'secret': secret, 'issuer': issuer})}"


def as_text(key: str) -> str:
    """The secret as apps take it by hand, in groups of four."""
    text = b32encode(unhexlify(key)).decode()
    return " ".join(text[n : n + 4] for n in range(0, len(text), 4))
