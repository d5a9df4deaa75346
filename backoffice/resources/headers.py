"""Which headers are the same."""


def loose(header: str) -> str:
    """A header without regard to case, blanks and punctuation."""
    return "".join(filter(str.isalnum, header.casefold())) or header.strip()
