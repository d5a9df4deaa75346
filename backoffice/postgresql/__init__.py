"""Django's PostgreSQL backend behind a pool that lends connections for one transaction."""
