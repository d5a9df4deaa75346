"""The manual: the pages of `docs/`, read once, shown as HTML, and searched in memory."""
