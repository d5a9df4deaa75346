"""Times of imports and exports: ours, stock django-import-export's, and the raw database's.

`make bench` runs everything and writes RESULTS.md; `make bench ARGS=exports` runs a part.
Each run is a process of its own on a fresh, migrated database.
"""
