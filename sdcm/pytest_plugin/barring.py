"""Keeps code off the network, the engine and the programs that talk to them, and names who tried."""

import os
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any

import pytest

_ENGINE_SOCKETS = ("docker.sock", "docker-dev.sock", "podman.sock", "containerd.sock", "engine.sock")
_LOCAL_NAMES = ("localhost", "localhost.localdomain", "ip6-localhost", "")
#: Programs that reach an engine, a cluster or a cloud.
_PROGRAMS = frozenset({"docker", "podman", "nerdctl", "kubectl", "kind", "helm", "aws", "gcloud", "az", "eksctl"})


class ServiceBarredError(RuntimeError):
    """Something reached for the network or for an engine where it must not."""


@dataclass
class Guard:
    """What must not be reached now, and what was tried all the same.

    Attributes:
        say: Returns the line for an attempt, given the address; it names the culprit.
        attempts: The lines of all attempts, also of those whose error was swallowed.
    """

    say: Callable[[str], str]
    attempts: list[str] = field(default_factory=list)

    def refuse(self, address: str) -> ServiceBarredError:
        """Write an attempt down and return the error to raise."""
        line = self.say(address)
        self.attempts.append(line)
        return ServiceBarredError(line)

    def check(self, family: int, address: Any) -> None:
        """Raise unless `address` is on this machine's loopback or a Unix socket that is no engine's."""
        if family == socket.AF_UNIX:
            path = os.fsdecode(address) if isinstance(address, (str, bytes)) else str(address)
            if path.endswith(_ENGINE_SOCKETS) or f"unix://{path}" == os.environ.get("DOCKER_HOST"):
                raise self.refuse(path)
        elif family in (socket.AF_INET, socket.AF_INET6) and not is_local(str(address[0])):
            raise self.refuse(f"{address[0]}:{address[1]}")

    def check_program(self, argv: Any) -> None:
        """Raise when a command line runs a program that reaches a service."""
        first = argv[0] if isinstance(argv, (list, tuple)) and argv else str(argv).split(" ")[0]
        name = os.path.basename(os.fsdecode(first))  # noqa: PTH119 - as it was written
        if name in _PROGRAMS:
            raise self.refuse(f"the program {name}")

    @contextmanager
    def watching(self, *, programs: bool = False) -> Iterator["Guard"]:
        """Refuse for the time of the block.

        Args:
            programs: Refuse to start the programs too that reach a service.
        """
        with pytest.MonkeyPatch.context() as patches:
            for method in ("connect", "connect_ex", "sendto"):
                _guard_method(patches, self, method)
            _guard_names(patches, self)
            if programs:
                _guard_programs(patches, self)
            yield self


def is_local(host: str) -> bool:
    """Whether `host`, a name or an address, is this machine's loopback."""
    if host in _LOCAL_NAMES:
        return True
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _guard_method(patches: pytest.MonkeyPatch, guard: Guard, method: str) -> None:
    original = getattr(socket.socket, method)

    def guarded(self: socket.socket, *args: Any) -> Any:
        guard.check(self.family, args[-1])
        return original(self, *args)

    patches.setattr(socket.socket, method, guarded)


def _guard_names(patches: pytest.MonkeyPatch, guard: Guard) -> None:
    resolve = socket.getaddrinfo

    def guarded(host: Any, *args: Any, **kwargs: Any) -> Any:
        name = os.fsdecode(host) if isinstance(host, (str, bytes)) else ""
        if not is_local(name) and not _is_address(name):
            raise guard.refuse(name)
        return resolve(host, *args, **kwargs)

    patches.setattr(socket, "getaddrinfo", guarded)


def _guard_programs(patches: pytest.MonkeyPatch, guard: Guard) -> None:
    original = subprocess.Popen.__init__

    def guarded(self: Any, args: Any, *rest: Any, **named: Any) -> None:
        guard.check_program(args)
        original(self, args, *rest, **named)

    patches.setattr(subprocess.Popen, "__init__", guarded)
