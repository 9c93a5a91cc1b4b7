"""Drives `sct.py` as a process over sample projects of its own."""

import os
import subprocess
import sys
import textwrap
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from unit_tests.lib import injected_faults as faults

SCT = Path(__file__).resolve().parents[2] / "sct.py"


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def text(self) -> str:
        """Both outputs."""
        return self.out + self.err


@dataclass
class SampleProject:
    """A project in a temporary folder, and the runner's directories beside it."""

    root: Path
    environ: dict[str, str] = field(default_factory=dict)
    children: "list[subprocess.Popen[str]]" = field(default_factory=list)

    def write(self, name: str, text: str) -> Path:
        """Write a file below the project's root."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))
        return path

    def start(self, *arguments: str, **environ: str) -> "subprocess.Popen[str]":
        """Start `sct.py` in the project's root, in a process group of its own."""
        child = subprocess.Popen(
            [sys.executable, str(SCT), *arguments],
            cwd=self.root,
            env={**self.environ, **environ},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.children.append(child)
        return child

    def sct(self, *arguments: str, timeout: float = 300, **environ: str) -> Ended:
        """Run `sct.py` to its end."""
        child = self.start(*arguments, **environ)
        try:
            out, err = child.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            child.kill()
            out, err = child.communicate()
            pytest.fail(f"sct.py {' '.join(arguments)} did not end within {timeout} s:\n{out}\n{err}")
        return Ended(child.returncode, out, err)

    @property
    def runtime(self) -> Path:
        """The runner's runtime directory."""
        return Path(self.environ["SCT_RUNTIME_DIR"])

    @property
    def state(self) -> Path:
        """The runner's state directory."""
        return Path(self.environ["SCT_STATE_DIR"])

    def nothing_left(self) -> bool:
        """Whether no run has a runtime directory any more."""
        return not self.runtime.exists() or not any(
            path.is_dir() and path.name != "engine" for path in self.runtime.iterdir()
        )


@pytest.fixture
def project(tmp_path, tmp_path_factory):
    """A sample project with one passing unit test, and runner directories of its own."""
    places = tmp_path_factory.mktemp("sct")
    environ = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(
            ("SCT_", "PYTEST_", "DOCKER_", "AWS_", "KUBECONFIG", "AZURE_", "OCI_", "GOOGLE_", "GITHUB_")
        )
    }
    environ["SCT_RUNTIME_DIR"] = str(places / "r")
    environ["SCT_STATE_DIR"] = str(places / "s")
    sample = SampleProject(tmp_path, environ)
    sample.write("pytest.ini", "[pytest]\n")
    sample.write("unit_tests/test_sums.py", "def test_sum():\n    assert 1 + 1 == 2\n")
    yield sample
    for child in sample.children:  # a test that was interrupted has ended none; their brokers clean up by themselves
        if child.poll() is None:
            child.kill()
            child.communicate()


@pytest.fixture
def broken(project, tmp_path_factory):
    """A sample project in which each given function raises once; returns the run's end."""
    folder = tmp_path_factory.mktemp("break")
    (folder / "sitecustomize.py").write_text(faults.BREAKER)

    def run(*where, test="", command="integration-tests", options=()):
        marks = folder / "marks"
        marks.mkdir()
        if test:
            project.write("unit_tests/integration/test_sample.py", test)
        environ = {"BREAK": ",".join(where), "BREAK_MARKS": str(marks), "PYTHONPATH": str(folder)}
        ended = project.sct(command, "-n", "1", *options, timeout=480, **environ)
        assert {mark.name for mark in marks.iterdir()} == set(where), ended.text
        return ended

    return run


def one_line(ended: Ended) -> str:
    """Return the one line that a mistake is answered with; fails when there is more, or a traceback."""
    lines = [line for line in ended.err.splitlines() if line.strip()]
    assert "Traceback" not in ended.text
    assert len(lines) == 1, ended.text
    return lines[0]
