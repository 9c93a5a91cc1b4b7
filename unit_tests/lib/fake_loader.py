"""Loaders and tool containers that run nothing, for tests of how stress tools are run."""

import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from sdcm.containers.execution import CommandResult, UnexpectedExit
from sdcm.containers.service import ContainerRequest
from sdcm.stress.loaders import Loader, LoaderSet

#: What a command answers: exit status, standard output, standard error.
Answer = tuple[int, str, str]


class FakeToolContainer:
    """A tool's container.

    Attributes:
        commands: Lines of shell that were run.
        archives: What was put in.
        killed: Set when it was killed; commands that wait for it end with 137.
    """

    image_name = "tool:1"
    ip_address = "10.0.0.9"

    def __init__(self, answer: Callable[[str], Answer | None]) -> None:
        self._answer = answer
        self.commands: list[str] = []
        self.archives: list[bytes] = []
        self.killed = threading.Event()
        self.handle = SimpleNamespace(
            put_archive=lambda _path, data: self.archives.append(data),
            reload=lambda: None,
            attrs={"State": {"OOMKilled": False}},
            image=SimpleNamespace(attrs={"Config": {"Entrypoint": ["java", "-jar", "nb5.jar"]}}),
        )

    def execute(self, argv: Sequence[str], **options: Any) -> CommandResult:
        line = argv[-1] if list(argv[:2]) == ["/bin/sh", "-c"] else " ".join(argv)
        self.commands.append(line)
        answer = self._answer(line)
        if answer is None:  # runs until it is killed
            assert self.killed.wait(5)
            answer = (137, "", "")
        status, out, err = answer
        for text, is_stderr in ((out, False), (err, True)):
            if text and options.get("on_output"):
                options["on_output"](text.encode(), is_stderr)
        result = CommandResult(out, err, status, 0.1, line)
        if status and not options.get("ignore_status"):
            raise UnexpectedExit(result, "fake")
        return result

    def engine_errors(self, _doing: str) -> contextlib.AbstractContextManager[None]:
        return contextlib.nullcontext()

    def kill(self) -> None:
        self.killed.set()


class FakeLoaders:
    """Loaders whose containers answer commands from a function.

    Attributes:
        containers: The containers that were lent, in order.
        requests: How they were asked for.
        given_back: How many were given back.
    """

    def __init__(self, root: Path, answer: Callable[[str], Answer | None], count: int = 1) -> None:
        self.containers: list[FakeToolContainer] = []
        self.requests: list[ContainerRequest] = []
        self.given_back = 0
        self._answer = answer
        names = [f"loader-{number}" for number in range(1, count + 1)]
        self.set = LoaderSet([Loader(name, root / name, self._lend) for name in names], root=root)

    @contextlib.contextmanager
    def _lend(self, request: ContainerRequest) -> Iterator[Any]:
        self.requests.append(request)
        self.containers.append(FakeToolContainer(self._answer))
        yield self.containers[-1]
        self.given_back += 1
