"""The admin's machinery, for any model: `library/admin.py` shows how it is declared."""
