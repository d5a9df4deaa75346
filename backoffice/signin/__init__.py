"""Who may sign in, how often it may be tried, and what is noted of it; no pages."""
