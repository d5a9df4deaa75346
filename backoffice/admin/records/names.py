"""How a user is found by name, whatever the user model is."""

from django.contrib.auth import get_user_model

#: The path from a row with a `user` to what that user signs in with.
USER_NAME = f"user__{get_user_model().USERNAME_FIELD}"
