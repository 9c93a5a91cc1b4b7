"""Leases as fixtures hold them: asked for at set-up, given back at teardown, whatever happens."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from sdcm import journal
from sdcm.errors import ServiceUnavailable
from sdcm.pytest_plugin import evidence, giving_back
from sdcm.pytest_plugin.readiness import skip_unavailable
from sdcm.pytest_plugin.session import context_of, worker_name

#: What is asked for -> label of the service it belongs to.
_LABELS = {"node": "docker", "container": "docker", "namespace": "kubernetes"}


@contextmanager
def leased(asking: pytest.FixtureRequest, op: str, **arguments: Any) -> Iterator[dict[str, Any]]:
    """Hold a lease for the time of the block.

    Args:
        asking: The asking fixture's request.
        op: What to ask the broker for (see `sdcm.broker.protocol`).
        **arguments: The request's arguments.

    Yields:
        The broker's answer.

    Raises:
        EnvironmentFailed: It did not come up.
    """
    client = context_of(asking.config).client()
    test = asking.node.nodeid
    note = _Note(asking, test)
    started = time.monotonic()
    note(op, "wanted")
    try:
        answer = client.ask(op, test=test, **arguments)
    except ServiceUnavailable as exc:
        skip_unavailable(_LABELS[op], exc)

    def give_back() -> None:
        client.ask("release", lease=answer["lease"], failed=evidence.has_failed(asking.node))
        note(op, "ended", lease=answer["lease"])

    try:
        note(op, "granted", lease=answer["lease"], seconds=round(time.monotonic() - started, 3))
        yield answer
    finally:
        giving_back.at_end(asking.config, give_back)


@contextmanager
def watched(asking: pytest.FixtureRequest, container: evidence.Watched) -> Iterator[None]:
    """Have a failing test tell of this container for as long as it is leased."""
    evidence.watch(asking.node, container)
    try:
        yield
    finally:
        giving_back.at_end(asking.config, lambda: evidence.unwatch(asking.node, container))


class _Note:
    """Writes lease events into the run's journal, where there is one."""

    def __init__(self, request: pytest.FixtureRequest, test: str) -> None:
        self._worker = worker_name(request.config)
        self._test = test

    def __call__(self, what: str, state: str, **more: Any) -> None:
        journal.note("lease", what=what, test=self._test, worker=self._worker, state=state, **more)
