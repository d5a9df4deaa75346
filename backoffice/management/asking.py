"""Questions on a terminal."""


def agreed(question: str, answer: str = "yes") -> bool:
    """Ask on the terminal; True if that is answered, False also if nobody can answer."""
    try:
        return input(question) == answer
    except EOFError:
        return False
