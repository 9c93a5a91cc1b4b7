"""A docker client that runs nothing and writes down what it was asked, for tests of what is asked of the engine."""

import io
import socket
import struct
import tarfile
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from docker.errors import ImageNotFound, NotFound

#: What a command in a fake container answers: exit status, standard output, standard error.
Answer = tuple[int, str, str]


class FakeExecApi:
    """The exec part of docker's low-level client; output comes in frames over a real socket.

    Attributes:
        commands: Argument lists in the order they were run.
        users: Who ran them.
        answers: Gives the answer to a command; None leaves the stream open without a word.
    """

    def __init__(self, answers: Callable[[Sequence[str]], Answer | None]) -> None:
        self.answers = answers
        self.commands: list[list[str]] = []
        self.users: list[str] = []
        self._status: dict[str, int] = {}
        self._open: list[socket.socket] = []

    def create_endpoint_config(self, **options: Any) -> dict[str, Any]:
        return dict(options)

    def exec_create(self, container: str, cmd: Sequence[str], user: str = "", **_options: Any) -> dict[str, str]:
        self.commands.append(list(cmd))
        self.users.append(user)
        return {"Id": str(len(self.commands) - 1)}

    def exec_start(self, exec_id: str, socket: bool) -> socket.socket:
        assert socket
        ours, theirs = _socketpair()
        answer = self.answers(self.commands[int(exec_id)])
        if answer is None:
            self._open.append(theirs)
            return ours
        self._status[exec_id], *streams = answer
        with theirs:
            for kind, text in enumerate(streams, start=1):
                data = text.encode()
                if data:
                    theirs.sendall(struct.pack(">BxxxL", kind, len(data)) + data)
        return ours

    def exec_inspect(self, exec_id: str) -> dict[str, int]:
        return {"ExitCode": self._status[exec_id]}

    def close(self) -> None:
        for stream in self._open:
            stream.close()


def _socketpair() -> tuple[socket.socket, socket.socket]:
    return socket.socketpair()


class FakeContainer:
    """One container.

    Attributes:
        options: What it was created with.
        put: Content of the files put into it, by absolute path, with their tar entries.
        calls: Names of the calls that changed it, in order.
        files: Content of the image's files, by absolute path.
    """

    def __init__(self, client: "FakeDocker", image: str, options: dict[str, Any]) -> None:
        self.client = client
        self.id = f"id-of-{options['name']}"
        self.name = options["name"]
        self.image = image
        self.options = options
        self.put: dict[str, tuple[bytes, tarfile.TarInfo]] = {}
        self.calls: list[str] = []
        self.attrs: dict[str, Any] = {
            "State": {"Status": "created", "Running": False, "ExitCode": 0, "OOMKilled": False},
            "HostConfig": {"Memory": 512 * 2**20},
            "Config": {"WorkingDir": "/srv"},
            "NetworkSettings": {"Ports": {}, "Networks": {}},
        }

    def put_archive(self, path: str, data: bytes) -> bool:
        assert path == "/"
        self.calls.append("put")
        with tarfile.open(fileobj=io.BytesIO(data)) as archive:
            for info in archive:
                member = archive.extractfile(info)
                self.put[f"/{info.name}"] = (member.read() if member else b"", info)
        return True

    def get_archive(self, path: str) -> tuple[Iterator[bytes], dict[str, Any]]:
        if path not in self.client.files:
            raise NotFound(f"Could not find the file {path}")
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as archive:
            data = self.client.files[path]
            info = tarfile.TarInfo(path.rpartition("/")[2])
            info.size, info.mode, info.uid, info.gid = len(data), 0o640, 7, 8
            archive.addfile(info, io.BytesIO(data))
        return iter([buffer.getvalue()]), {}

    def start(self) -> None:
        self.calls.append("start")
        self.client.starts += 1
        self.attrs["State"].update(Status="running", Running=True)
        if self.client.ends_with is not None:
            self.attrs["State"].update(Status="exited", Running=False, **self.client.ends_with)
        ports = {
            inside: [{"HostIp": "127.0.0.1", "HostPort": str(self.client.published[int(inside.split("/")[0])])}]
            for inside in self.options.get("ports", {})
        }
        networks = {self.options.get("network", "bridge"): {"IPAddress": f"10.0.0.{self.client.starts}"}}
        self.attrs["NetworkSettings"] = {"Ports": ports, "Networks": networks}

    def stop(self, timeout: int) -> None:
        self.calls.append(f"stop {timeout}")
        self.attrs["State"].update(Status="exited", Running=False)

    def pause(self) -> None:
        self.calls.append("pause")

    def unpause(self) -> None:
        self.calls.append("unpause")

    def remove(self, **options: Any) -> None:
        self.calls.append(f"remove {sorted(options)}")
        if self.client.containers.made.pop(self.name, None) is None:
            raise NotFound(f"No such container: {self.name}")

    def reload(self) -> None:
        if self.name not in self.client.containers.made:
            raise NotFound(f"No such container: {self.name}")

    def logs(self, **options: Any) -> bytes:
        self.client.log_requests.append(options)
        return self.client.log.encode()


class FakeContainers:
    """The containers of a fake engine, by name."""

    def __init__(self, client: "FakeDocker") -> None:
        self._client = client
        self.made: dict[str, FakeContainer] = {}

    def create(self, image: str, **options: Any) -> FakeContainer:
        if image in self._client.missing_images:
            raise ImageNotFound(f"No such image: {image}")
        container = FakeContainer(self._client, image, options)
        self.made[container.name] = container
        return container

    def get(self, container_id: str) -> FakeContainer:
        for container in self.made.values():
            if container_id in (container.id, container.name):
                return container
        raise NotFound(f"No such container: {container_id}")


class FakeDocker:
    """A docker client.

    Attributes:
        containers: What was made.
        api: Its exec part.
        published: Port inside to the port it is published at, for every container.
        files: Content of the image's files, by absolute path.
        log: What containers have written.
        ends_with: State that containers are in right after their start; None: they run.
        missing_images: References the engine does not have.
        log_requests: Arguments of each request for a log.
        starts: How often a container was started.
        closed: How often the client was closed.
    """

    def __init__(self, answers: Callable[[Sequence[str]], Answer | None] = lambda _argv: (0, "", "")) -> None:
        self.containers = FakeContainers(self)
        self.api = FakeExecApi(answers)
        self.published: dict[int, int] = {}
        self.files: dict[str, bytes] = {}
        self.log = ""
        self.ends_with: dict[str, Any] | None = None
        self.missing_images: set[str] = set()
        self.log_requests: list[dict[str, Any]] = []
        self.starts = 0
        self.closed = 0

    def close(self) -> None:
        self.closed += 1
