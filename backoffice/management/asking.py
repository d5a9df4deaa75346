"""Questions on a terminal."""


def agreed(question):
    """Whether the answer is yes; where nobody can answer, it is no."""
    try:
        return input(question) == "yes"
    except EOFError:
        return False
