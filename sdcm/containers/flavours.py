"""What differs between the database flavours, as values that `launch` works with."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sdcm.containers.archive import FileCopy
from sdcm.containers.records import NodeSpec
from sdcm.errors import UsageProblem

#: The port of the native protocol inside a container.
CQL_PORT = 9042
#: The superuser that both databases make by themselves.
DEFAULT_LOGIN = ("cassandra", "cassandra")
#: File inside a node that cqlsh logs in by: a password among its arguments would be seen in the engine's events and in
#: every list of processes.
CREDENTIALS = "/etc/sct/cqlsh-credentials"
#: In a directory of certificates: never copied into a node.
AUTHORITY_KEY = "ca.key"
#: In a node's directory of certificates: tells its cqlsh whom to trust and what to show.
CQLSHRC = "cqlshrc"


@dataclass(frozen=True)
class YamlEdit:
    """Keys to set in a configuration file of the image, before its first start.

    Attributes:
        path: The file inside.
        values: Key to value; other keys stay.
    """

    path: str
    values: Mapping[str, object]


@dataclass(frozen=True)
class Rights:
    """What the processes of a container may do.

    There is no switch for `no-new-privileges`: in an image whose own user is not root the engine starts root's
    commands without capabilities, and under that setting they could not gain even those that are left here.

    Attributes:
        capabilities: The only ones that root in it has; the engine's default set when None.
        processes: Most processes and threads at a time; no limit when 0.
    """

    capabilities: tuple[str, ...] | None = None
    processes: int = 0

    def options(self) -> dict[str, Any]:
        """Return them as arguments of docker's `containers.create`."""
        options: dict[str, Any] = {}
        if self.capabilities is not None:
            options |= {"cap_drop": ["ALL"], "cap_add": list(self.capabilities)}
        if self.processes:
            options["pids_limit"] = self.processes
        return options


@dataclass(frozen=True)
class LaunchArguments:
    """What a flavour asks of the container.

    Attributes:
        command: Arguments for the image's entrypoint.
        environment: Variables.
        files: Files to put in before the start.
        yaml: Edit of the image's own configuration, where there is one.
        user: Who runs it; the image's own user when empty.
        memory_limit_mb: The container's limit in MiB; none when 0.
        cores: The container's share of cores; all when 0.
        rights: What its processes may do.
    """

    command: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    files: tuple[FileCopy, ...] = ()
    yaml: YamlEdit | None = None
    user: str = ""
    memory_limit_mb: int = 0
    cores: int = 0
    rights: Rights = Rights()


@dataclass(frozen=True)
class Flavour:
    """One kind of database.

    Attributes:
        name: Its name.
        ports: Ports to publish, CQL first.
        http_port: Port whose HTTP service must answer too before the node is ready; none when 0.
        capabilities: What a test may ask of a node.
        default_dc: Data centre when none is asked for.
        default_rack: Rack when none is asked for.
        settings_file: Its YAML file of settings.
        ssl_inside: Directory inside where certificates are put.
        uid: The user it runs as.
        arguments: Turns a specification into what to ask of the container.
        instead: Capability that it lacks -> what a test has in its place.
        ended_log: What the log says when the server has ended though its container runs on; empty: it never does.
        started_log: What the log says when the server is up; empty where a boot needs no such look.
        without_superuser: What to do about a server that is up and does not know its superuser.
    """

    name: str
    ports: tuple[int, ...]
    http_port: int
    capabilities: tuple[str, ...]
    default_dc: str
    default_rack: str
    settings_file: str
    ssl_inside: str
    uid: int
    arguments: Callable[[NodeSpec], LaunchArguments]
    instead: Mapping[str, str] = field(default_factory=dict)
    ended_log: str = ""
    started_log: str = ""
    without_superuser: str = ""


def flavour_of(name: str) -> Flavour:
    """Return a flavour by its name.

    Raises:
        UsageProblem: There is no such flavour.
    """
    known = {flavour.name: flavour for flavour in _all()}
    if name not in known:
        raise UsageProblem(f"unknown flavour {name!r}", why=f"known are {', '.join(sorted(known))}")
    return known[name]


def capabilities() -> tuple[str, ...]:
    """Return what a test may ask of its node, sorted: all that nodes of any flavour have."""
    return tuple(sorted({name for flavour in _all() for name in flavour.capabilities}))


def _all() -> tuple[Flavour, ...]:
    from sdcm.containers import cassandra, scylla

    return cassandra.FLAVOUR, scylla.FLAVOUR


def rack_name(rack: str) -> str:
    """Return the name of a rack; a bare number `n` means `RACK<n>`."""
    return f"RACK{rack}" if rack.isdigit() else rack


def credentials_file(login: tuple[str, str] = DEFAULT_LOGIN, *, path: str = CREDENTIALS, uid: int = 0) -> FileCopy:
    """Return a file that holds a login in the form cqlsh reads, for this user alone."""
    username, password = login
    text = f"[plain_text_auth]\nusername = {username}\npassword = {password}\n"
    return FileCopy(path, text.encode(), 0o600, uid, uid)


def certificate_files(ssl_dir: str, inside: str, *, uid: int = 0) -> tuple[FileCopy, ...]:
    """Return the files of a directory of certificates for copying to `inside`; the authority's key stays out.

    Args:
        ssl_dir: Directory on this machine; nothing when empty.
        inside: Directory in the container.
        uid: Who may read the keys.

    Raises:
        UsageProblem: The directory holds no certificate.
    """
    if not ssl_dir:
        return ()
    files = [path for path in sorted(Path(ssl_dir).iterdir()) if path.is_file() and path.name != AUTHORITY_KEY]
    if not any(path.suffix == ".crt" for path in files):
        raise UsageProblem(f"{ssl_dir} holds no certificate", why="a node with TLS needs one in PEM, named *.crt")
    copies = [
        FileCopy(f"{inside}/{path.name}", path.read_bytes(), 0o600 if path.suffix == ".key" else 0o644, uid)
        for path in files
    ]
    return (*copies, FileCopy(f"{inside}/{CQLSHRC}", _cqlshrc(inside).encode(), 0o644, uid))


def _cqlshrc(inside: str) -> str:
    return f"""[ssl]
validate = true
certfile = {inside}/ca.pem
userkey = {inside}/test.key
usercert = {inside}/test.crt
"""
