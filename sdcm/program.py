"""What this program is called where it runs: `sct.py` in a checkout, `sct` where it was installed."""

from functools import cache
from pathlib import Path

_IN_CHECKOUT, _INSTALLED = "sct.py", "sct"


@cache
def is_checkout() -> bool:
    """Whether this package lies in a checkout of the project, beside its `sct.py`."""
    return (Path(__file__).resolve().parents[1] / _IN_CHECKOUT).is_file()


def as_typed(text: str) -> str:
    """Return a message with the commands in it as they are typed here.

    Messages are written as for a checkout: `sct.py clean`. Where the package was installed into somebody's project
    there is no such file, and the same is `sct clean`.
    """
    return text if is_checkout() else text.replace(_IN_CHECKOUT, _INSTALLED)
