"""A new app as docs/how-to/add-a-model.md tells to write it: it proves that it's enough."""
