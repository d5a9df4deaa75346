"""The manual inside of the admin, and the section of it that each page leads to."""
