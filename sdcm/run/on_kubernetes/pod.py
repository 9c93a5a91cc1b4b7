"""What a shard's pod runs: `python -m sdcm.run.on_kubernetes.pod`.

It starts the unchanged runner with the `--shard` of the pod's completion index, and sends the run's journal as it
grows, then the rest of the run's state directory, through its own output (`framing`). It ends with the runner's status.
"""

import io
import json
import os
import signal
import sys
import tarfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType

from sdcm import journal as journals
from sdcm import process
from sdcm.run.on_kubernetes.framing import FrameWriter, Kind

#: Where the Job mounts what `job_files` writes.
JOB_FOLDER = Path("/sct/job")
SPEC_FILE = "job.json"
DURATIONS_FILE = "durations.json.gz"
FLAVOUR_FILE = "flavour"
#: Where the cluster puts the login of the pod's service account.
_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
#: Seconds between two looks at the journal, and between two signs of life.
_LOOK = 0.5
_ALIVE = 10.0
#: Bytes of the archive before compression: a node keeps 10 MiB of a pod's log.
_FILES_AT_MOST = 16 << 20
_BLOCK = 1 << 20


class Output:
    """The pod's log: whole lines only, whoever writes them."""

    def __init__(self, descriptor: int = 1) -> None:
        """Write to `descriptor`."""
        self._descriptor = descriptor
        self._lock = threading.Lock()
        self._frames = FrameWriter()

    def text(self, line: bytes) -> None:
        """Write a line that the runner has printed."""
        with self._lock:
            self._write(line if line.endswith(b"\n") else line + b"\n")

    def send(self, kind: Kind, data: bytes) -> None:
        """Write frames."""
        with self._lock:
            for line in self._frames.lines(kind, data):
                self._write(line.encode() + b"\n")

    def _write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[os.write(self._descriptor, view) :]


class Sending:
    """Sends a run's journal as it grows."""

    def __init__(self, runs: Path, output: Output) -> None:
        """Look for the one run below the folder `runs`."""
        self._runs = runs
        self._output = output
        self._offset = 0
        self._alive = 0.0

    @property
    def state(self) -> Path | None:
        """The run's state directory, once it is there."""
        found = [each for each in self._runs.iterdir() if each.is_dir()] if self._runs.is_dir() else []
        return found[0] if found else None

    def look(self) -> None:
        """Send what is new, and a sign of life when it is time for one."""
        if time.monotonic() - self._alive >= _ALIVE:
            self._alive = time.monotonic()
            self._output.send(Kind.ALIVE, f"{time.time():.3f}".encode())
        state = self.state
        file = state / journals.FILE_NAME if state else None
        if file is None or not file.exists():
            return
        with file.open("rb") as opened:
            opened.seek(self._offset)
            while block := opened.read(_BLOCK):
                self._offset += len(block)
                self._output.send(Kind.JOURNAL, block)


def archive(state: Path, limit: int = _FILES_AT_MOST) -> tuple[bytes, list[str]]:
    """Return what a run has left beside its journal, as tar, and names of files for which there was no room.

    Args:
        state: The run's state directory.
        limit: Bytes that the files may have together; small ones go first, logs of set-up last.
    """
    files = [each for each in state.rglob("*") if each.is_file() and not each.is_symlink()]
    files = [each for each in files if each != state / journals.FILE_NAME]
    files.sort(key=lambda each: ("logs" in each.parts, each.stat().st_size, str(each)))
    left_out, room, content = [], limit, io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as tar:
        for file in files:
            name, size = file.relative_to(state).as_posix(), file.stat().st_size
            if size > room:
                left_out.append(name)
                continue
            room -= size
            tar.add(file, name, recursive=False)
    return content.getvalue(), left_out


def kubeconfig_of_account(account: Path, host: str, port: str, file: Path) -> bool:
    """Write a kubeconfig that logs in as the pod's service account.

    Args:
        account: Folder with the account's token and authority.
        host: Address of the API server.
        port: Its port.
        file: Where to write.

    Returns:
        Whether the pod has an account.
    """
    if not host or not (account / "token").exists():
        return False
    server = f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}"
    named = {"name": "pod"}
    file.write_text(json.dumps({
        "current-context": "pod",
        "contexts": [{**named, "context": {"cluster": "pod", "user": "pod"}}],
        "clusters": [{**named, "cluster": {"server": server, "certificate-authority": str(account / "ca.crt")}}],
        "users": [{**named, "user": {"tokenFile": str(account / "token")}}],
    }))  # fmt: skip
    return True


def runner_argv(spec: dict[str, object], index: int, kubeconfig: str, flavour: str = "") -> list[str]:
    """Return the command line of the runner in this pod.

    Args:
        spec: What the Job's file says: `command`, `arguments`, `pytest_arguments`, `shards`.
        index: The pod's completion index, from 0.
        kubeconfig: For tests that need Kubernetes; empty for none.
        flavour: Of the nodes that all shards boot; empty where each is to find out.
    """
    program = str(Path(sys.executable).with_name("sct"))
    argv = [program, str(spec["command"]), "--shard", f"{index + 1}/{spec['shards']}"]
    argv += [str(word) for word in _words(spec["arguments"])]
    if kubeconfig and spec["command"] == "integration-tests":
        argv += ["--kubeconfig", kubeconfig]
    argv += ["--db", flavour] if flavour else []
    return [*argv, "--", *(str(word) for word in _words(spec["pytest_arguments"]))]


def _words(value: object) -> list[object]:
    return list(value) if isinstance(value, list) else []


def _environ(folder: Path, work: Path) -> dict[str, str]:
    """Return the runner's environment; the durations are those that every shard is split by."""
    import gzip

    durations = work / "durations.json"
    if (folder / DURATIONS_FILE).exists():
        durations.write_bytes(gzip.decompress((folder / DURATIONS_FILE).read_bytes()))
    return {**os.environ, "SCT_STATE_DIR": str(work / "state"), "SCT_DURATIONS": str(durations), "TERM": "dumb"}


def _relay(pipe: int, output: Output) -> None:
    with os.fdopen(pipe, "rb") as lines:
        for line in lines:
            output.text(line)


def _run(argv: list[str], environ: dict[str, str], sending: Sending, output: Output) -> int:
    """Run the runner to its end, sending its journal; return its exit code."""
    reading, writing = os.pipe()
    try:
        child = process.spawn(argv, env=environ, stdout=writing, stderr=writing)
    finally:
        os.close(writing)
    relay = threading.Thread(target=_relay, args=(reading, output), daemon=True)
    relay.start()

    def pass_on(number: int, _frame: FrameType | None) -> None:
        child.send_signal(number)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, pass_on)
    while child.poll() is None:
        sending.look()
        time.sleep(_LOOK)
    relay.join(_ALIVE)
    sending.look()
    return child.returncode if child.returncode >= 0 else 128 - child.returncode


def main(folder: Path = JOB_FOLDER, work: Path = Path("/sct/work"), make_output: Callable[[], Output] = Output) -> int:
    """Run this pod's shard; return the exit code of its runner."""
    spec = json.loads((folder / SPEC_FILE).read_text())
    index = int(os.environ["JOB_COMPLETION_INDEX"])
    work.mkdir(parents=True, exist_ok=True)
    output = make_output()
    kubeconfig = work / "kubeconfig"
    host, port = os.environ.get("KUBERNETES_SERVICE_HOST", ""), os.environ.get("KUBERNETES_SERVICE_PORT", "443")
    has_account = kubeconfig_of_account(_ACCOUNT, host, port, kubeconfig)
    environ = _environ(folder, work)
    sending = Sending(work / "state" / "runs", output)
    flavour = (folder / FLAVOUR_FILE).read_text() if (folder / FLAVOUR_FILE).exists() else ""
    argv = runner_argv(spec, index, str(kubeconfig) if has_account else "", flavour)
    code = _run(argv, environ, sending, output)
    left_out: list[str] = []
    if sending.state is not None:
        content, left_out = archive(sending.state)
        for piece in _pieces(content):
            output.send(Kind.FILES, piece)
    output.send(Kind.END, json.dumps({"exit_code": code, "left_out": left_out}).encode())
    return code


def _pieces(content: bytes) -> Iterator[bytes]:
    for start in range(0, len(content), _BLOCK):
        yield content[start : start + _BLOCK]


if __name__ == "__main__":
    sys.exit(main())
