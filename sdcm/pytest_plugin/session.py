"""How this pytest process reaches the run it belongs to.

Under `sct.py` the runner has set the variables below. In plain pytest the first process sets them
(xdist's workers inherit them) and, when a chosen test needs it, starts the broker and ends it.
"""

import os
import signal
import sys
import threading
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sdcm import journal, output_streams, paths
from sdcm.broker.protocol import (
    BROKER_VARIABLE,
    PLAIN_VARIABLE,
    RUN_VARIABLE,
    RUNNER_PIPE_VARIABLE,
    SERVICES_VARIABLE,
)
from sdcm.errors import SctError, UsageProblem
from sdcm.program import as_typed
from sdcm.services import selected
from sdcm.services.availability import needs_broker
from sdcm.services.selected import SelectedTest
from sdcm.services.table import BROUGHT_UP

if TYPE_CHECKING:
    from sdcm.broker.client import BrokerClient
    from sdcm.broker.opener import OpenBroker
    from sdcm.broker.runs import LiveRun

#: Setting of a project whose tests follow our rules; without it, plain pytest acts only on what is ours by name.
ACTS_INI = "sct"
_CONTEXT = pytest.StashKey["RunContext"]()
_ACTS = pytest.StashKey[bool]()
#: Seconds for a broker that was hung up on to tear down.
_TEARDOWN_DEADLINE = 180.0


def acts(config: pytest.Config) -> bool:
    """Whether our rules hold: in a stranger's project the plugin only gives fixtures and names.

    The first answer stands: while a guarded unit test runs, the variables that tell are out of the environment.
    """
    if _ACTS not in config.stash:
        under_runner = RUN_VARIABLE in os.environ and PLAIN_VARIABLE not in os.environ
        collecting_for_runner = config.option.collectonly and selected.ENVIRONMENT_VARIABLE in os.environ
        config.stash[_ACTS] = under_runner or collecting_for_runner or bool(config.getini(ACTS_INI))
    return config.stash[_ACTS]


def _check_kubeconfig(named: str) -> None:
    from sdcm.kubernetes import kubeconfig

    if not Path(named).is_file():
        raise pytest.UsageError(f"KUBECONFIG names {named}, which does not exist -- unset it, or correct it")
    try:
        kubeconfig.check(Path(named))
    except UsageProblem as exc:
        raise pytest.UsageError(f"KUBECONFIG: {exc}") from exc


def is_worker(config: pytest.Config) -> bool:
    """Whether this process is an xdist worker."""
    return hasattr(config, "workerinput")


def worker_name(config: pytest.Config) -> str:
    """Return the worker's name, `main` without xdist."""
    workerinput: dict[str, Any] = getattr(config, "workerinput", {})
    return str(workerinput.get("workerid", "main"))


class RunContext:
    """The run as one pytest process sees it."""

    def __init__(self, config: pytest.Config) -> None:
        """Adopt the run that the environment names; in plain pytest make one up."""
        self._config = config
        self._client: BrokerClient | None = None
        self._broker: OpenBroker | None = None
        self._environ_before: dict[str, str | None] = {}
        self.plain = PLAIN_VARIABLE in os.environ or RUN_VARIABLE not in os.environ
        self.opener = RUN_VARIABLE not in os.environ and not is_worker(config)
        if self.opener:
            self._open_plain()
        #: The run's id, kept: a test may empty the environment for its time.
        self.run_id = os.environ.get(RUN_VARIABLE, "")

    def _open_plain(self) -> None:
        from sdcm.ownership import labels

        for name, value in paths.made_absolute(os.environ).items():
            self.set_environ(name, value)  # the broker runs in another folder
        places = paths.from_environment()
        run_id = labels.new_run_id()
        runtime, state = places.run_runtime(run_id), places.run_state(run_id)
        self.set_environ(RUN_VARIABLE, run_id)
        self.set_environ(PLAIN_VARIABLE, "1")
        self.set_environ(BROKER_VARIABLE, str(runtime / "broker.sock"))
        self.set_environ(SERVICES_VARIABLE, str(runtime / "services.json"))
        self.set_environ(selected.ENVIRONMENT_VARIABLE, str(state / "selection.json"))
        self.set_environ(journal.ENVIRONMENT_VARIABLE, str(state / journal.FILE_NAME))

    @property
    def selection_file(self) -> Path | None:
        """Where the selection is, or is to be; None under a runner that wants none."""
        file = os.environ.get(selected.ENVIRONMENT_VARIABLE)
        return Path(file) if file else None

    def set_environ(self, name: str, value: str) -> None:
        """Set a variable for this process and its children until the session ends."""
        self._environ_before.setdefault(name, os.environ.get(name))
        os.environ[name] = value

    def client(self) -> "BrokerClient":
        """Return this process's connection to the broker.

        Raises:
            UsageProblem: The run has none: `unit-tests` brings nothing up, and a guarded unit test reaches nothing.
        """
        if self._client is None:
            from sdcm.broker.client import BrokerClient
            from sdcm.pytest_plugin.deadlines import clock_of

            kept = self._kept()
            socket = str(kept.socket) if kept else os.environ.get(BROKER_VARIABLE)
            if not socket:
                raise UsageProblem(
                    "nothing is brought up for unit tests, and this one asks for a service",
                    mend="mark it integration and run it with `sct.py integration-tests`",
                )
            self._client = BrokerClient(Path(socket), worker_name(self._config), during=clock_of(self._config).paused)
        return self._client

    def client_at_hand(self) -> "BrokerClient | None":
        """Return the connection to the broker, None where the run has no broker, or none yet."""
        socket = os.environ.get(BROKER_VARIABLE, "")
        if self._client is None and (not socket or (self.plain and not Path(socket).exists())):
            return None
        return self.client()

    def open_broker(self, tests: Iterable[SelectedTest]) -> None:
        """Start the broker of a plain pytest run, if a chosen test needs one and none runs."""
        chosen = list(tests)
        needed = {label for test in chosen for label in test.services}
        if not self.opener or self._broker is not None or not needs_broker(needed, os.environ):
            return
        wanted = needed & set(BROUGHT_UP)
        from sdcm.broker.opener import BrokerSpec, OpenBroker, engine_environ

        kubeconfig = os.environ.get("KUBECONFIG", "")
        if "kubernetes" in wanted and kubeconfig:
            _check_kubeconfig(kubeconfig)
        kept = self._kept()
        if kept is not None:
            from sdcm.broker.demand import by_key

            # It stays connected: the environment does not end while a run is.
            try:
                self.client().ask("expect", tests=by_key(chosen), times=1)
            except SctError as exc:  # it may have been brought up by another version
                what = f"the environment {kept.run_id}, which is kept, cannot be used: {exc.what}"
                raise pytest.UsageError(as_typed(f"{what} -- `sct.py env down` ends it")) from exc
        spec = BrokerSpec(
            run_id=self.run_id,
            services=tuple(sorted(wanted)) if kept is None else (),
            images=tuple(sorted({image for test in chosen for image in test.images})) if kept is None else (),
            kubernetes="kubeconfig" if kubeconfig else "none",
            kubeconfig=kubeconfig,
            environ=engine_environ(os.environ),
        )
        self._broker = OpenBroker.start(spec, paths.from_environment(), os.environ)

    def _kept(self) -> "LiveRun | None":
        """Return the kept environment that a plain pytest run uses; each of its processes finds the same."""
        if not self.plain or os.environ.get("KUBECONFIG"):
            return None
        from sdcm.broker.runs import kept_environment

        return kept_environment(paths.from_environment())

    def close(self) -> None:
        """Disconnect; the opener also ends its broker and waits for the teardown."""
        if self._client is not None:
            with suppress(OSError):
                self._client.close()
        if self._broker is not None and (left := self._broker.end(os.environ, _TEARDOWN_DEADLINE)):
            sys.stderr.write(as_typed(f"sct: some of the run is left: {left} -- `sct.py clean` removes it\n"))
        for name, value in self._environ_before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def context_of(config: pytest.Config) -> RunContext:
    """Return this process's view of the run."""
    if _CONTEXT not in config.stash:
        config.stash[_CONTEXT] = RunContext(config)
    return config.stash[_CONTEXT]


def go_on_unheard() -> None:
    """Under the runner, come to an end also where nobody takes what is printed; it tells of that.

    To be called before pytest keeps its output stream, in pytest's first process only, like `end_with_runner`.
    """
    if RUNNER_PIPE_VARIABLE in os.environ:
        output_streams.keep_going()


def end_with_runner() -> None:
    """End with the runner: a pipe that it holds open ends with it, even when it is killed.

    The variable is taken out of the environment, so only pytest's first process does this.
    """
    pipe = os.environ.pop(RUNNER_PIPE_VARIABLE, None)
    if pipe is not None:
        threading.Thread(target=_end_with_runner, args=(int(pipe),), name="runner-pipe", daemon=True).start()


def _end_with_runner(pipe: int) -> None:
    while os.read(pipe, 1):
        pass
    if os.getpgrp() == os.getpid():
        os.killpg(os.getpid(), signal.SIGKILL)
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Make the run known before xdist starts workers."""
    if not session.config.option.collectonly:
        context_of(session.config)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_node_collection_finished(node: Any) -> None:
    """In plain pytest, start the broker once the first worker has written the selection."""
    context = context_of(node.config)
    if not context.opener:
        return
    # The worker wrote it before xdist told of its collection; it writes none when nothing is needed.
    file = context.selection_file
    if file is not None and file.exists():
        context.open_broker(selected.read(file))


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """Leave the run, whatever happened."""
    if _CONTEXT in config.stash:
        config.stash[_CONTEXT].close()
