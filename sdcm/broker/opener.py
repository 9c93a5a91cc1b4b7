"""Starts a broker and ends it: by closing a pipe, so that dying has the same effect."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from contextlib import closing, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from sdcm import journal, paths, process, process_identity
from sdcm.broker import obituary, protocol
from sdcm.errors import DeadlinePassed, EnvironmentFailed, UsageProblem
from sdcm.ownership.ledger import Ledger
from sdcm.ownership.strays import CURRENT_TEST

#: Name under which `python -m` starts a broker; it stands above this package, so it is not imported.
_ENTRY = "sdcm.run.broker_process"
_TEARDOWN_ENTRY = "sdcm.run.teardown"
SPEC_FILE = "broker.json"
LOG_FILE = "broker.log"
#: A broker's exit status when part of it failed and the journal says which.
JOURNALLED_STATUS = 10
#: The kernel's limit for the path of a Unix socket, its closing zero included; unix(7).
_SOCKET_PATH_LIMIT = 108
#: What is handed on and written down; there are others that begin with DOCKER_ and hold logins.
_ENGINE_VARIABLES = (
    "DOCKER_HOST",
    "DOCKER_CONTEXT",
    "DOCKER_CONFIG",
    "DOCKER_TLS_VERIFY",
    "DOCKER_CERT_PATH",
    "DOCKER_TLS",
)


@dataclass(frozen=True)
class BrokerSpec:
    """What a broker is started for.

    Attributes:
        run_id: The run it belongs to.
        services: Labels of the services to bring up at once; others come up when first asked for.
        images: Images the chosen tests need, to be made ready at once.
        allow_install: Packages may be installed (`--setup`).
        db: Node flavour: `scylla`, `cassandra` or `auto`.
        kubernetes: Where Kubernetes tests run: a Kind cluster of our own, the cluster of a
            kubeconfig, or nowhere.
        kubeconfig: That kubeconfig.
        environ: Variables that name the user's engine (`DOCKER_HOST` and its kin).
        leaks: What tests leave behind: `off` is not looked for.
        keep_failed: What failed tests had leased stays until the broker ends.
        fresh_nodes: Each test gets a node that none had before (`--fresh-nodes`).
        repeat: How often the selection runs.
        tests_first: Seconds for which a Kind cluster lets the start of the tests go before, as both want all
            processors; 0 where no test could run without it.
        keeps: The environment outlives its opener (`env up`, `--keep`): a node is kept ready for the next run.
        shards: What is to run as a Job of a cluster (`--on kubernetes`), as a record; empty for nothing.
    """

    run_id: str
    services: tuple[str, ...] = ()
    images: tuple[str, ...] = ()
    allow_install: bool = False
    db: str = "auto"
    kubernetes: Literal["kind", "kubeconfig", "none"] = "kind"
    kubeconfig: str = ""
    environ: dict[str, str] = field(default_factory=dict)
    leaks: str = "error"
    keep_failed: bool = False
    fresh_nodes: bool = False
    repeat: int = 1
    tests_first: float = 0.0
    keeps: bool = False
    shards: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> "BrokerSpec":
        """Rebuild a spec from its JSON object."""
        values = dict(record)
        values["services"] = tuple(values["services"])
        values["images"] = tuple(values["images"])
        return cls(**values)


def engine_environ(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables by which the user names an engine."""
    return {name: environ[name] for name in _ENGINE_VARIABLES if name in environ}


class OpenBroker:
    """A broker as its opener sees it."""

    def __init__(self, spec: BrokerSpec, places: paths.Paths, child: subprocess.Popen[bytes], pipe: int) -> None:
        """Use `start` instead."""
        self.spec = spec
        self._places = places
        self._child = child
        self._pipe: int | None = pipe
        #: After `end`: why the broker could not do it itself, where the journal does not say so already.
        self.failure = ""

    @classmethod
    def start(cls, spec: BrokerSpec, places: paths.Paths, environ: Mapping[str, str]) -> "OpenBroker":
        """Start a broker in a session of its own; it ends when this process closes it or dies.

        Args:
            spec: What it is for.
            places: Base directories.
            environ: Its environment.

        Raises:
            UsageProblem: The runtime directory's path is too long for a socket.
            EnvironmentFailed: It cannot be started, or nothing can be written where the run's things are kept.
        """
        _require_short(places.run_runtime(spec.run_id) / protocol.SOCKET_NAME)
        try:
            return cls._start(spec, places, environ)
        except OSError as exc:
            where = exc.filename or f"{places.state} or {places.runtime}"
            raise EnvironmentFailed(
                "the broker cannot be started",
                why=f"{where}: {exc.strerror or exc}",
                mend="df -h; or set SCT_STATE_DIR and SCT_RUNTIME_DIR",
            ) from exc

    @classmethod
    def _start(cls, spec: BrokerSpec, places: paths.Paths, environ: Mapping[str, str]) -> "OpenBroker":
        state = paths.make_private(places.run_state(spec.run_id))
        paths.make_private(places.runtime)
        runtime = places.run_runtime(spec.run_id)
        with closing(Ledger(state, spec.run_id, process_identity.identify())) as own:
            entry = own.will_make("directory", str(runtime))
            try:
                return cls._launch(spec, places, environ)
            except BaseException:
                shutil.rmtree(runtime, ignore_errors=True)
                with suppress(OSError):  # there may be no room for it
                    own.removed(entry)
                raise

    @classmethod
    def _launch(cls, spec: BrokerSpec, places: paths.Paths, environ: Mapping[str, str]) -> "OpenBroker":
        state, runtime = places.run_state(spec.run_id), paths.make_private(places.run_runtime(spec.run_id))
        paths.write_private(state / SPEC_FILE, json.dumps(asdict(spec)))
        read_end, write_end = os.pipe()
        try:
            child = process.spawn(
                [sys.executable, "-m", _ENTRY, spec.run_id, str(read_end)],
                env={
                    **{k: v for k, v in environ.items() if k != CURRENT_TEST},
                    journal.ENVIRONMENT_VARIABLE: str(state / journal.FILE_NAME),
                },
                cwd=runtime,
                log=state / LOG_FILE,
                pass_fds=[read_end],
            )
        except BaseException:
            os.close(write_end)
            raise
        finally:
            os.close(read_end)
        broker = cls(spec, places, child, write_end)
        try:
            obituary.note_birth(runtime, child.pid, state / LOG_FILE)
        except BaseException:
            broker.hang_up()
            broker.kill()
            raise
        return broker

    @property
    def socket_path(self) -> Path:
        """Where it listens."""
        return self._places.run_runtime(self.spec.run_id) / protocol.SOCKET_NAME

    @property
    def log(self) -> Path:
        """Its log."""
        return self._places.run_state(self.spec.run_id) / LOG_FILE

    def alive(self) -> bool:
        """Whether its process runs."""
        return self._child.poll() is None

    def hang_up(self) -> None:
        """Close the pipe: the broker begins to tear down (or to wait, when it is kept)."""
        if self._pipe is not None:
            os.close(self._pipe)
            self._pipe = None

    def wait(self, deadline: float) -> int | None:
        """Wait for its end.

        Returns:
            Its exit status, or None when it still runs after `deadline` seconds.
        """
        return process.ended(self._child, deadline)

    def end(self, environ: Mapping[str, str], deadline: float) -> str:
        """Hang up and wait for the teardown; do it from the ledger when the broker cannot.

        Args:
            environ: Environment for a clean-up in a process of its own.
            deadline: Seconds for either.

        Returns:
            What is left, empty when nothing is.
        """
        self.hang_up()
        status = self.wait(deadline)
        if status == 0:
            return ""
        if status is None:
            self.failure = f"it did not end within {deadline:g} s"
        elif status != JOURNALLED_STATUS:
            self.failure = self.last_words()
        self.kill()
        try:
            done = clean_up_after(self.spec.run_id, environ, deadline)
        except DeadlinePassed as exc:
            return str(exc)
        return "" if done.ok else done.stdout.strip() or "unknown"

    def last_words(self) -> str:
        """Say why it ended; nothing while it runs."""
        return obituary.why_ended(self.socket_path.parent) or ""

    def kill(self) -> None:
        """End it at once; its resources stay for whoever cleans from the ledger."""
        process.kill_group(self._child.pid)
        self._child.wait()


def _require_short(path: Path) -> None:
    """Refuse a path that the kernel takes for no socket's."""
    if len(os.fsencode(path)) >= _SOCKET_PATH_LIMIT:
        raise UsageProblem(
            f"the runtime directory {path.parents[1]} has too long a path",
            why=f"a socket's is at most {_SOCKET_PATH_LIMIT - 1} bytes",
            mend="set SCT_RUNTIME_DIR to a shorter one",
        )


def clean_up_after(run_id: str, environ: Mapping[str, str], deadline: float) -> process.Completed:
    """Tear down from the ledger what a dead broker left, in a process of its own."""
    return process.run([sys.executable, "-m", _TEARDOWN_ENTRY, run_id], timeout=deadline, env=environ, check=False)
