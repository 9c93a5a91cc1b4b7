"""Where the private engine keeps what, and the record of the one that is up."""

import contextlib
import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

from sdcm.ownership.docker_endpoint import Endpoint
from sdcm.paths import Paths

#: The kernel's limit for the path of a unix socket, its closing zero included.
_SOCKET_PATH_LIMIT = 108
#: The longest socket path that the engine makes below its runtime folder.
_LONGEST_SOCKET = "exec/libnetwork/0123456789ab.sock"


@dataclass(frozen=True)
class Record:
    """What a start of the engine put onto the machine, written down before it does so.

    Attributes:
        live: Its runtime folder.
        network: The IPv4 network (`a.b.0.0/16`) that its bridge and address pools were cut from.
        forwarding_was: Value of net.ipv4.ip_forward before the start.
        data_was_mounted: The data root is a mount of the user's; otherwise dockerd mounts it onto itself.
    """

    live: str
    network: str
    forwarding_was: str
    data_was_mounted: bool = True


@dataclass(frozen=True)
class Layout:
    """Every path and name of one private engine; all follow from the engine directory.

    Attributes:
        base: The engine directory: images and locks, kept.
        live: Runtime folder, removed at the stop: sockets, pid file, exec root.
        logs: Folder of its log files.
    """

    base: Path
    live: Path
    logs: Path

    @classmethod
    def of(cls, paths: Paths) -> "Layout":
        """Return the layout for these directories.

        The record of a live engine says where its runtime folder is, so that runs with different runtime
        directories share the engine all the same.
        """
        base = paths.engine.absolute()
        tag = _tag_of(base)
        live = paths.runtime.absolute() / f"engine-{tag}"
        if len(str(live / _LONGEST_SOCKET)) >= _SOCKET_PATH_LIMIT:
            live = Path("/run/sct") / f"engine-{tag}"
        record = read_record(base)
        return cls(base, Path(record.live) if record else live, paths.state.absolute() / "engine")

    @property
    def tag(self) -> str:
        """Six hexadecimal digits that tell this engine from others on the machine."""
        return _tag_of(self.base)

    @property
    def endpoint(self) -> Endpoint:
        """Its address."""
        return Endpoint(f"unix://{self.live}/docker.sock")

    @property
    def data(self) -> Path:
        """Path of dockerd's data root."""
        return self.base / "data"

    @property
    def exec_root(self) -> Path:
        """Path of dockerd's exec root."""
        return self.live / "exec"

    @property
    def pid_file(self) -> Path:
        """Path of dockerd's pid file."""
        return self.live / "dockerd.pid"

    @property
    def containerd_config(self) -> Path:
        """Path of containerd's configuration file."""
        return self.live / "containerd.toml"

    @property
    def containerd_state(self) -> Path:
        """Path of containerd's folder of live containers."""
        return self.live / "containerd"

    @property
    def containerd_socket(self) -> Path:
        """Path of containerd's socket."""
        return self.live / "containerd.sock"

    @property
    def daemon_config(self) -> Path:
        """Path of dockerd's configuration file."""
        return self.live / "daemon.json"

    @property
    def wrapper(self) -> Path:
        """The OCI runtime that drops capabilities; not under /run, which may be mounted noexec."""
        return self.base / "bin" / "runc"

    @property
    def bridge(self) -> str:
        """Name of its network bridge."""
        return f"sct-{self.tag}"

    @property
    def chain(self) -> str:
        """Name of its chain of firewall rules."""
        return f"SCT-{self.tag}"


def _tag_of(base: Path) -> str:
    return hashlib.sha256(str(base).encode()).hexdigest()[:6]


def _record_file(base: Path) -> Path:
    return base / "engine.json"


def read_record(base: Path) -> Record | None:
    """Return the record of the engine that is (or, after a crash, was) up; None for no such."""
    try:
        return Record(**json.loads(_record_file(base).read_text()))
    except (OSError, ValueError, TypeError):
        return None


def write_record(base: Path, record: Record) -> None:
    """Write the record; it appears whole or not at all."""
    temporary = _record_file(base).with_suffix(".part")
    temporary.write_text(json.dumps(asdict(record)))
    temporary.replace(_record_file(base))


def remove_record(base: Path) -> None:
    """Remove the record: nothing of the engine is left on the machine but its images."""
    with contextlib.suppress(FileNotFoundError):
        _record_file(base).unlink()
