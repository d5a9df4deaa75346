"""The lookup of users by name, for any user model."""

from django.contrib.auth import get_user_model

#: The path from a row with a `user` to the user's username field.
USER_NAME = f"user__{get_user_model().USERNAME_FIELD}"
