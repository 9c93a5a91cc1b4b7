"""What this program is called where it runs: `sct.py` in a checkout, `sct` where it was installed."""

import re
from functools import cache
from pathlib import Path

_IN_CHECKOUT, _INSTALLED = "sct.py", "sct"
_PAGE = re.compile(r"docs/(?:\w+/)?([\w-]+)\.md")


@cache
def is_checkout() -> bool:
    """Whether this package lies in a checkout of the project, beside its `sct.py`."""
    return (Path(__file__).resolve().parents[1] / _IN_CHECKOUT).is_file()


def as_typed(text: str) -> str:
    """Return a message with the commands in it as they are typed here.

    Messages are written as for a checkout: `sct.py clean`, `docs/guides/images.md`. Where the package was installed
    into somebody's project there are no such files: it is `sct clean`, and the page is one of the documentation's.
    """
    if is_checkout():
        return text
    return _PAGE.sub(r"the documentation's page `\1`", text.replace(_IN_CHECKOUT, _INSTALLED))
