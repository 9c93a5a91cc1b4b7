"""`--quiet` of `sct.py`: no letter for each test; failures are told at the end, as ever."""

from collections.abc import Generator

import pytest

from sdcm.pytest_plugin.session import acts

#: pytest's verbosity with `-qq`.
_QUIET = -2
_XDISTS_VOICE = "terminaldistreporter"

Status = tuple[str, str, str | tuple[str, dict[str, bool]]]


def _is_quiet(config: pytest.Config) -> bool:
    return acts(config) and config.get_verbosity() <= _QUIET


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Let xdist tell nothing of workers that come up."""
    manager = session.config.pluginmanager
    distributed = manager.getplugin("dsession")
    if distributed is not None and _is_quiet(session.config):
        distributed.terminal = None
        if manager.has_plugin(_XDISTS_VOICE):
            manager.unregister(name=_XDISTS_VOICE)


class Quiet:
    """Counts outcomes without a word."""

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_report_teststatus(self) -> Generator[None, Status, Status]:
        """Count a test's outcome without a word."""
        category, _, _ = yield
        return category, "", ""


def pytest_configure(config: pytest.Config) -> None:
    """Be quiet where that was asked for."""
    if _is_quiet(config):
        config.pluginmanager.register(Quiet(), "sct-quiet-status")
