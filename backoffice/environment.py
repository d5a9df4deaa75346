"""Variables of the environment and of `.env`: what can't be read is named, and not guessed."""

from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured

SWITCHES = {*environ.Env.BOOLEAN_TRUE_STRINGS, "false", "off", "n", "no", "0"}


class Env(environ.Env):
    """An empty variable is one that is not set: so compose passes on what nobody has set.

    A switch that is neither on nor off would be off, which opens doors: HTTPS=enabled.
    """

    def get_value(
        self,
        var: str,
        cast: Any = None,
        default: Any = environ.Env.NOTSET,
        parse_default: bool = False,
    ) -> Any:
        text = self.ENVIRON.get(var, "").strip()
        if not text and default is not self.NOTSET:
            return default
        if cast is bool and text.lower() not in SWITCHES:
            raise ImproperlyConfigured(f"{var} is a switch: set on or off.")
        try:
            return super().get_value(var, cast, default, parse_default)
        except ValueError:  # it has the text, which may be of another variable
            raise ImproperlyConfigured(f"{var} is not a number.") from None
