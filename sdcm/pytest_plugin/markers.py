"""The markers users may write."""

import pytest

from sdcm.program import as_typed

_CARRIED = pytest.StashKey[frozenset[str]]()
#: Marker -> its line in `pytest --markers`.
MARKERS = {
    "integration": "integration: needs real services; `sct.py integration-tests` runs it, `sct.py unit-tests` does not",
    "services": "services(*labels): external services the test needs: docker, aws, gce, azure, oci, kubernetes",
    "timeout": "timeout(seconds): deadline of the test's body, its waits for services and leases left out; 0: none",
    "needs": "needs(*capabilities): what the test asks of its node, e.g. 'alternator'; skipped on a node without",
    "sct_config": "sct_config(files): configuration file, or list of files, for the `params` fixture",
    "strict_events": "strict_events(on=True): an unexpected event of severity ERROR or worse fails the test",
    "run_alone": "run_alone: no other test of the run may run beside it",
    "weight": "weight(tests): it counts for so many tests: so many fewer run beside it",
    "concurrency": "concurrency(name, limit): of the tests that carry this name, at most `limit` run at once",
    "docker_scylla_args": (
        "docker_scylla_args(scylla_docker_image, image, docker_network, ssl, mtls, seeds, rack, dc, native_entrypoint, "
        "fresh, smp, memory_mb, extra_args, vs_docker_image): how `docker_scylla` starts its node"
    ),
    "stress_tools": "stress_tools(*tools): stress tools the test runs; their images are made ready before it starts",
}


def register(config: pytest.Config) -> None:
    """Declare the markers, so that `--strict-markers` knows them."""
    for line in MARKERS.values():
        config.addinivalue_line("markers", as_typed(line))


def carried(session: pytest.Session, *names: str) -> bool:
    """Return whether any of a session's chosen tests carries one of these markers, once all are chosen."""
    if _CARRIED not in session.stash:
        nodes = {id(node): node for item in session.items for node in item.listchain()}
        session.stash[_CARRIED] = frozenset(mark.name for node in nodes.values() for mark in node.own_markers)
    return not session.stash[_CARRIED].isdisjoint(names)


def names(item: pytest.Item) -> frozenset[str]:
    """Return the names of all markers of a test, those of its class and module included, as they are now."""
    return frozenset(mark.name for mark in item.iter_markers())


def merged_arguments(item: pytest.Item, name: str) -> dict[str, object]:
    """Return a marker's keyword arguments over all levels: function over class over module.

    The markers' own dictionaries are never handed out, so nobody can change them.
    """
    merged: dict[str, object] = {}
    for marker in reversed(list(item.iter_markers(name))):
        merged.update(marker.kwargs)
    return merged


def weight(item: pytest.Item) -> int:
    """Return how many tests this one counts for, 1 without the marker.

    Raises:
        pytest.UsageError: The marker holds no number from 1.
    """
    marker = item.get_closest_marker("weight")
    if marker is None:
        return 1
    value = marker.args[0] if marker.args else marker.kwargs.get("tests")
    if not isinstance(value, int) or value < 1:
        raise pytest.UsageError(f"{item.nodeid}: weight takes a whole number from 1, not {value!r}")
    return value


def limits(item: pytest.Item) -> tuple[tuple[str, int], ...]:
    """Return the names under which only so many tests run at once, with that many, sorted.

    Raises:
        pytest.UsageError: A marker lacks its name, or its limit is no number from 1.
    """
    found: dict[str, int] = {}
    for marker in item.iter_markers("concurrency"):
        values: dict[str, object] = {**dict(zip(("name", "limit"), marker.args, strict=False)), **marker.kwargs}
        name, limit = values.get("name"), values.get("limit", 1)
        if not isinstance(name, str) or not name or not isinstance(limit, int) or limit < 1:
            raise pytest.UsageError(f'{item.nodeid}: write concurrency("name", limit=2), with a limit from 1')
        found.setdefault(name, limit)
    return tuple(sorted(found.items()))
