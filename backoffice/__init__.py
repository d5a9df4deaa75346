"""The back office: the project, and machinery that works for any model."""

import django_stubs_ext

# Django's classes take the type of their model at run time too: `admin.ModelAdmin[Model]`.
django_stubs_ext.monkeypatch()
