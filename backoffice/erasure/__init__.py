"""Erasing a person: from rows, history, the trail, files, and whatever else was kept.

A model says which of its fields name a person: `personal = ("name",)`. See `erase`.
"""
