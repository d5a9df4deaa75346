"""The admin's classes for any model; `library/admin.py` shows how to use them."""
