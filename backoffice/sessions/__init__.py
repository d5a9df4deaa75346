"""Sessions that end, that their owners see, and that ask for the password again.

`engine` and `middleware` take the place of Django's, see docs/explanation/sessions.md.
"""
