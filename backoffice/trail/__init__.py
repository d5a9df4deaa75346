"""The trail: who did what, when, from where and to how many. See `models`."""
