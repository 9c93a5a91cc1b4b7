"""Looks at what markers say of all chosen tests, before anything is set up for them.

A mistyped name would skip a test for ever, or fail it once all that it needs is up.
"""

from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING

import pytest

from sdcm.errors import UsageProblem
from sdcm.near_names import hint
from sdcm.pytest_plugin import deadlines, markers

if TYPE_CHECKING:
    from sdcm.environment.catalogue import Catalogue

_CHECKED = ("needs", "stress_tools", deadlines.MARKER)


def check(session: pytest.Session) -> None:
    """Look at the markers `needs`, `stress_tools` and `timeout` of a session's tests.

    Raises:
        pytest.UsageError: One says what cannot be; names the test, and the nearest of what can.
    """
    if not markers.carried(session, *_CHECKED):
        return
    catalogue = cache(_catalogue)  # read once, and only where a test names tools
    for item in session.items:
        carried = markers.names(item)
        if "needs" in carried:
            _check_needs(item, _arguments(item, "needs"))
        if "stress_tools" in carried:
            _check_tools(item, _arguments(item, "stress_tools"), catalogue())
        if deadlines.MARKER in carried:
            deadlines.seconds_of(item)


def _arguments(item: pytest.Item, name: str) -> list[str]:
    return [str(argument) for marker in item.iter_markers(name) for argument in marker.args]


def _check_needs(item: pytest.Item, wanted: Iterable[str]) -> None:
    from sdcm.containers.flavours import capabilities

    known = capabilities()
    for name in wanted:
        if name not in known:
            raise pytest.UsageError(f"{item.nodeid}: no node has {name!r} -- {hint(name, known)}")


def _catalogue() -> "Catalogue":
    from sdcm.environment.catalogue import Catalogue

    return Catalogue.load()


def _check_tools(item: pytest.Item, wanted: Iterable[str], catalogue: "Catalogue") -> None:
    for name in wanted:
        if "/" in name or ":" in name:  # an image of the user's own
            continue
        try:
            catalogue.entry(name)
        except UsageProblem as exc:
            raise pytest.UsageError(f"{item.nodeid}: stress_tools: {exc}") from exc
