"""`loaders` and `stress`: stress tools against the test's nodes."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sdcm.pytest_plugin.leasing import leased

if TYPE_CHECKING:
    from sdcm.config.model import SCTConfiguration
    from sdcm.containers.container import Container
    from sdcm.containers.service import ContainerRequest
    from sdcm.stress.loaders import LoaderSet
    from sdcm.stress.thread import DockerBasedStressThread

_NODE_FIXTURES = ("docker_scylla", "docker_scylla_2")


@pytest.fixture
def loaders(request: pytest.FixtureRequest, params: "SCTConfiguration", tmp_path: Path) -> "Iterator[LoaderSet]":
    """Give the test loaders to run stress tools on, as many as `n_loaders` of `params` says.

    Each command of a tool has a container of its own on each loader, on the nodes' network; it is gone when
    the command has ended. What still runs at the test's end is killed. Logs of the tools lie in the test's
    `tmp_path`.

    External services: Docker
    """
    from sdcm.containers.service import ContainerRecord
    from sdcm.stress.loaders import Loader, LoaderSet

    @contextmanager
    def lend(wanted: "ContainerRequest") -> "Iterator[Container]":
        with ExitStack() as stack:
            answer = stack.enter_context(leased(request, "container", request=wanted.to_record()))
            yield stack.enter_context(closing(ContainerRecord.from_record(answer["container"]).open()))

    wanted = params["n_loaders"]
    count = sum(wanted) if isinstance(wanted, list) else int(wanted)
    names = [f"loader-{number}" for number in range(1, max(1, count) + 1)]
    loader_set = LoaderSet([Loader(name, tmp_path / name, lend) for name in names], root=request.config.rootpath)
    try:
        yield loader_set
    finally:
        loader_set.close()


@pytest.fixture
def stress(
    request: pytest.FixtureRequest, params: "SCTConfiguration", loaders: "LoaderSet"
) -> Callable[..., "DockerBasedStressThread"]:
    """Give the test a function that starts a command of a stress tool against its nodes.

    The first word of the command says which tool it is; `timeout` is in seconds, further arguments go to the
    tool's class. `.summary()` of what is returned waits and gives the figures.

    External services: Docker
    """
    from sdcm.stress.tools import thread_class

    def start(stress_cmd: str, timeout: float = 60.0, **more: Any) -> "DockerBasedStressThread":
        nodes = more.pop("node_list", None) or _nodes(request)
        return thread_class(stress_cmd).against(nodes, loaders, stress_cmd, timeout, params=params, **more).run()

    return start


def _nodes(request: pytest.FixtureRequest) -> list[Any]:
    return [request.getfixturevalue(name) for name in _NODE_FIXTURES if name in request.fixturenames]
