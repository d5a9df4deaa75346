"""Imports and exports timed: ours, stock django-import-export's, and the raw database's.

`make bench` runs all and writes RESULTS.md, `make bench ARGS=exports` a part of it. Every run
is a process of its own on a fresh, migrated database.
"""
