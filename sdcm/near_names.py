"""Finds what a mistyped name was meant to be."""

from collections.abc import Collection, Iterable


def near(wrong: str, known: Iterable[str], *, most: int = 2, likeness: float = 0.6) -> list[str]:
    """Return the known names nearest to a wrong one, the nearest first.

    Args:
        wrong: The name that is none.
        known: The names there are.
        most: How many are returned at most.
        likeness: How alike a name must be, from 0 to 1.
    """
    import difflib  # only a mistake needs it

    return difflib.get_close_matches(wrong, list(known), n=most, cutoff=likeness)


def question(names: Iterable[str]) -> str:
    """Return "did you mean a or b?"; empty when there are no names."""
    text = " or ".join(names)
    return f"did you mean {text}?" if text else ""


def did_you_mean(wrong: str, known: Iterable[str], *, most: int = 2, likeness: float = 0.6) -> str:
    """Return "did you mean a or b?" for the names that `near` finds; empty when it finds none."""
    return question(near(wrong, known, most=most, likeness=likeness))


def hint(wrong: str, known: Collection[str]) -> str:
    """Return "did you mean a? -- known: a, b, c", for names so few that all are told."""
    meant = did_you_mean(wrong, known)
    return f"{meant} -- known: {', '.join(known)}" if meant else f"known: {', '.join(known)}"
