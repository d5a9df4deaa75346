"""The start page: figures, what needs attention, recent imports, and what staff did."""
