"""Backups of the whole site, and their restoration, on SQLite and PostgreSQL."""
