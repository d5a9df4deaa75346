"""Django's PostgreSQL backend for a replica: a server that stands still keeps nobody."""
