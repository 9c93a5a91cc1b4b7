"""Unit tests reach no engine and no network where the project asks for that: what tries is refused and fails."""

import os
from collections.abc import Generator
from contextlib import ExitStack

import pytest

from sdcm.environment_variables import TEST_PREFIX
from sdcm.pytest_plugin.barring import Guard

#: Setting of a project whose unit tests are kept off services.
INI = "sct_guard_unit_tests"
#: Variables that would lead a unit test to somebody's engine, cluster, cloud account or configuration.
_BARRED_PREFIXES = ("AWS_", "AZURE_", "DOCKER_", "GOOGLE_", "KUBE", "OCI_", "SCT_")
#: Where we keep things; without these a test would fall back to the user's home.
_KEPT = ("SCT_RUNTIME_DIR", "SCT_STATE_DIR", "SCT_CACHE_DIR", "SCT_ENGINE_DIR")
_GUARD = pytest.StashKey[tuple[Guard, ExitStack]]()


def add_options(parser: pytest.Parser) -> None:
    """Declare the setting."""
    parser.addini(INI, "tests without the marker `integration` are refused network and engine", type="bool")


def _is_guarded(item: pytest.Item) -> bool:
    return item.get_closest_marker("integration") is None


class UnitGuard:
    """Guards unit tests, where the project asks for it."""

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> Generator[None, None, None]:
        """Guard a unit test from before its first fixture."""
        if _is_guarded(item):
            guard = Guard(
                lambda address: (
                    f"{item.nodeid} reached for {address}: a unit test uses no engine and no network"
                    " -- fake it, or move the test to integration/"
                )
            )
            stack = ExitStack()
            item.stash[_GUARD] = (guard, stack)
            patches = stack.enter_context(pytest.MonkeyPatch.context())
            for name in list(os.environ):
                if name.startswith(_BARRED_PREFIXES) and name not in _KEPT and not name.startswith(TEST_PREFIX):
                    patches.delenv(name)
            stack.enter_context(guard.watching())
        yield

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_teardown(self, item: pytest.Item) -> Generator[None, None, None]:
        """Lift the guard after the last fixture; fail a test that tried, even when its code swallowed the error."""
        if _GUARD not in item.stash:
            yield
            return
        guard, stack = item.stash[_GUARD]
        with stack:
            yield
        if guard.attempts:
            pytest.fail("\n".join(dict.fromkeys(guard.attempts)), pytrace=False)


def pytest_configure(config: pytest.Config) -> None:
    """Guard where the setting is on."""
    if config.getini(INI):
        config.pluginmanager.register(UnitGuard(), "sct-unit-guard-tests")


@pytest.fixture
def barred(request: pytest.FixtureRequest) -> Guard:
    """Give a unit test the guard it runs under: `attempts` holds what it refused, and fails the test unless cleared.

    It is there in projects with `sct_guard_unit_tests = true`, whose unit tests are refused network and engine.
    """
    if _GUARD not in request.node.stash:
        pytest.fail(f"this test is not guarded -- set {INI} = true, and do not mark it integration", pytrace=False)
    found: tuple[Guard, ExitStack] = request.node.stash[_GUARD]
    return found[0]
