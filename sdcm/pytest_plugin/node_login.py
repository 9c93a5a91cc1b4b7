"""What a test's `params` say of its nodes: who logs in, and that TLS is on.

Reading them costs more than a lease does (pydantic, and three files of defaults), so a test that neither asks for them
nor sets any of them does without: what its node says is then what they would.
"""

import os
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from sdcm import environment_variables
from sdcm.pytest_plugin import config_fixtures

if TYPE_CHECKING:
    from sdcm.config.model import SCTConfiguration

#: Beginning of the variables that set options of `params`, and what names their files.
_PREFIX, _FILES = "SCT_", "SCT_CONFIG_FILES"


def params_of(request: pytest.FixtureRequest) -> "SCTConfiguration | None":
    """Return the test's `params`; None where the project has something else under that name."""
    from sdcm.config.model import SCTConfiguration

    params = request.getfixturevalue("params")
    return params if isinstance(params, SCTConfiguration) else None


def are_read(request: pytest.FixtureRequest) -> bool:
    """Whether a test's `params` are asked for, or may say other things than a node does."""
    return _are_wanted(request) or _may_be_set(request.node)


def login_of(item: pytest.Item) -> Callable[[], tuple[str, str]]:
    """Return what tells who logs in, with the password: as `params` say at that moment; empty texts where none are."""

    def login() -> tuple[str, str]:
        params = item.stash.get(config_fixtures.MADE, None)
        return login_in(params) if params is not None else ("", "")

    return login


def login_in(params: "SCTConfiguration") -> tuple[str, str]:
    """Return who logs in, with the password; empty texts where that is not said."""
    return params["authenticator_user"] or "", params["authenticator_password"] or ""


def _are_wanted(request: pytest.FixtureRequest) -> bool:
    """Whether the test, or a fixture of its, asks for `params`, or the project has a fixture of that name."""
    if "params" in request.fixturenames:
        return True
    # Not public; a pytest without it reads them.
    find = getattr(getattr(request.session, "_fixturemanager", None), "getfixturedefs", None)
    found = find("params", request.node) if find else None
    return found is None or [each.func.__module__ for each in found] != [config_fixtures.__name__]


def _may_be_set(item: pytest.Item) -> bool:
    """Whether a file or a variable may set an option."""
    if item.get_closest_marker("sct_config") is not None or os.environ.get(_FILES):
        return True
    return any(name.startswith(_PREFIX) and not environment_variables.is_known(name) for name in os.environ)
