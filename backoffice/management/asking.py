"""Questions on a terminal."""


def agreed(question: str) -> bool:
    """Ask on the terminal; True if the answer is "yes", False also if nobody can answer."""
    try:
        return input(question) == "yes"
    except EOFError:
        return False
