"""A run with `--on kubernetes` as a process, a project for it, and a way to an API server that can be cut."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Any

from sdcm import journal
from sdcm.wait import wait_for

#: Seconds that an image may take to be made, moved and started on a busy machine.
_BEGINS_WITHIN = 1200
_ENDS_WITHIN = 300
_PIECE = 1 << 16
_ROOT = Path(__file__).resolve().parents[2]
#: Dependencies of the runner that tests which need no service do without; those of tests with nodes are the last.
NO_SERVICE = ("boto3", "cryptography", "hdrhistogram", "kubernetes", "prometheus-client", "docker", "scylla-driver")
ONLY_NODES = NO_SERVICE[:-2]


def sample_project(project: Path, without: tuple[str, ...], tests: Mapping[str, str]) -> Path:
    """Make a project that the runner is part of, with few dependencies; return its folder.

    Args:
        project: Where.
        without: Dependencies of the runner that its tests do without.
        tests: Name below `unit_tests` -> the file's text.
    """
    for name in ("sdcm", "docker"):
        shutil.copytree(_ROOT / name, project / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("README.md", "LICENSE", "sct.py"):
        shutil.copy(_ROOT / name, project / name)
    few = re.sub(r"\[(dependency-groups|project.optional-dependencies)\].*?(?=\n\[)", "",
                 (_ROOT / "pyproject.toml").read_text(), flags=re.DOTALL)  # fmt: skip
    (project / "pyproject.toml").write_text(re.sub(rf'\n +"({"|".join(without)})\b[^\n=]*>=.*', "", few))
    for name, text in tests.items():
        (project / "unit_tests" / name).parent.mkdir(parents=True, exist_ok=True)
        (project / "unit_tests" / name).write_text(text)
    return project


class RunInPods:
    """One run, with directories of its own.

    Attributes:
        places: Folder of all that it writes.
    """

    def __init__(self, project: Path, places: Path, *arguments: str, command: str = "unit-tests") -> None:
        """Start it in `project`; what it writes goes below `places`, where one that has ended may have been."""
        self.places = places
        self._state = places / "s"
        self._before = set(self._state.glob("runs/*"))
        self._out, self._err = places / f"out{len(self._before)}", places / f"err{len(self._before)}"
        argv = [sys.executable, "sct.py", command, "-n", "0", "--on", "kubernetes", *arguments]
        environ = {name: value for name, value in os.environ.items() if not name.startswith(("SCT_", "PYTEST_"))}
        environ |= {"SCT_STATE_DIR": str(self._state), "SCT_RUNTIME_DIR": str(places / "r")}
        with self._out.open("w") as out, self._err.open("w") as err:
            self._child = subprocess.Popen(
                argv, cwd=project, env=environ, stdin=subprocess.DEVNULL, stdout=out, stderr=err, start_new_session=True
            )

    @property
    def text(self) -> str:
        """All that it has printed."""
        return self._out.read_text() + self._err.read_text()

    @property
    def complaints(self) -> list[str]:
        """The lines of its standard error."""
        return [line for line in self._err.read_text().splitlines() if line.strip()]

    @cached_property
    def state(self) -> Path:
        """The run's state directory."""
        self._await(lambda: set(self._state.glob("runs/*")) > self._before, "a run begins")
        (found,) = set(self._state.glob("runs/*")) - self._before
        return found

    @property
    def id(self) -> str:
        """The run's id."""
        return self.state.name

    def await_text(self, words: str) -> None:
        """Wait until it has printed these."""
        self._await(lambda: words in self.text, f"it prints {words!r}")

    def await_start_of(self, test: str) -> int:
        """Wait until a test has begun in a pod; return its shard's number."""

        def of_shard() -> int:
            return next((shard for shard, name in self._begun() if test in name), 0)

        self._await(lambda: of_shard() > 0, f"{test} begins in a pod")
        return of_shard()

    def interrupt(self) -> None:
        """Press Ctrl-C."""
        self._child.send_signal(signal.SIGINT)

    def kill(self) -> None:
        """Kill the command alone."""
        self._child.kill()
        self._child.wait()

    def wait(self, within: float = _ENDS_WITHIN) -> int:
        """Wait for its end; return its exit code."""
        return self._child.wait(within)

    def close(self) -> None:
        """End it, as a user would."""
        if self._child.poll() is None:
            self._child.terminate()
            with suppress(subprocess.TimeoutExpired):
                self._child.wait(60)
            self._child.kill()

    def _await(self, holds: Callable[[], bool], text: str) -> None:
        """Wait until something holds; fail when the command ends before."""

        def look() -> bool:
            return holds() or self._child.poll() is not None

        wait_for(look, step=0.2, timeout=_BEGINS_WITHIN, text=text)
        assert holds(), self.text

    def _begun(self) -> list[tuple[int, str]]:
        found = []
        for file in self.state.glob("shards/*/*/journal.jsonl"):
            records = filter(None, map(journal.parse, file.read_bytes().splitlines()))
            tests = [str(record["test"]) for record in records if record["event"] == "test-start"]
            found += [(int(file.parents[1].name), test) for test in tests]
        return found


class WayToServer:
    """A port of this machine that leads to a server, until it is cut."""

    def __init__(self, host: str, port: int) -> None:
        """Lead to `host` and `port`."""
        self._there = (host, port)
        self._open: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._listen()

    def cut(self) -> None:
        """End all connections, and take no new ones."""
        for each in (self._listener, *self._open):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        self._thread.join()

    def mend(self) -> None:
        """Take connections again."""
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self._listen()

    def _listen(self) -> None:
        self._thread = threading.Thread(target=self._accept, args=(self._listener,), daemon=True)
        self._thread.start()

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                here, _ = listener.accept()
                there = socket.create_connection(self._there)
                self._open += [here, there]
                for ends in ((here, there), (there, here)):
                    threading.Thread(target=_copy, args=ends, daemon=True).start()


def _copy(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while piece := source.recv(_PIECE):
            target.sendall(piece)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)


def with_changes(kubeconfig: str, file: Path, *, server: str = "", user: dict[str, Any] | None = None) -> str:
    """Write a kubeconfig that differs in its servers or users; return its path."""
    import yaml

    config = yaml.safe_load(Path(kubeconfig).read_text())
    for each in config["clusters"] if server else ():
        each["cluster"]["server"] = server
    for each in config["users"] if user is not None else ():
        each["user"] = user
    file.write_text(json.dumps(config))
    return str(file)
