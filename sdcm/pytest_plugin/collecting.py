"""Tells what each chosen test needs, and writes the selection down for who brings it up."""

import inspect
import linecache
import os
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

import pytest

from sdcm.errors import UsageProblem
from sdcm.pytest_plugin import config_fixtures, marker_checks, markers, node_arguments
from sdcm.pytest_plugin.session import acts, context_of, is_worker
from sdcm.services import labels, selected
from sdcm.services.availability import needs_broker
from sdcm.services.labels import Declaration
from sdcm.services.selected import NODE_IMAGE, SelectedTest

#: Fixture -> database nodes it holds.
_NODE_FIXTURES = {"docker_scylla": 1, "docker_scylla_2": 1, "docker_scylla_cluster": 3}
#: pytest's own marker of a test that never runs.
_SKIP = "skip"
#: Markers that make a test's place in the run depend on more than its node id: the scheduler must know of them.
_TIES = ("xdist_group", "run_alone", "concurrency")
#: Fixture -> image of the container that it holds.
_FIXTURE_IMAGES = {"kafka_cluster": "kafka"}
_LEASING_FIXTURES = (*_NODE_FIXTURES, *_FIXTURE_IMAGES, "k8s_cluster")
_LEASES = frozenset(_LEASING_FIXTURES)
_WIDE = frozenset({"module", "package", "session"})
_NEEDS = pytest.StashKey[SelectedTest]()
_SERVICES = pytest.StashKey[tuple[str, ...]]()
#: Arguments of a node, as text -> what such nodes have in common.
_NODE_KEYS = pytest.StashKey[dict[str, str]]()
_SAID = pytest.StashKey[Declaration]()
#: Of a class or module: docstring and fixtures of a test in it -> what such tests say, with the words they share.
_SAID_ALIKE = pytest.StashKey[dict[tuple[str | None, tuple[str, ...]], Declaration]]()
#: Markers that say what a test needs.
_SPEAKING = frozenset({"services", "skipif"})


def needs_of(item: pytest.Item) -> SelectedTest:
    """Return what a collected test needs; worked out once."""
    if _NEEDS not in item.stash:
        item.stash[_NEEDS] = _look(item)
    return item.stash[_NEEDS]


def services_of(item: pytest.Item) -> tuple[str, ...]:
    """Return the labels of the services that a collected test needs, sorted; worked out once, and nothing else.

    A test that its own marker skips needs none, whatever it says: a cluster would be brought up for nothing.
    """
    if _SERVICES not in item.stash:
        needed = () if _SKIP in markers.names(item) else _services(item, getattr(item, "fixturenames", ()))
        item.stash[_SERVICES] = tuple(sorted(needed))
    return item.stash[_SERVICES]


def _look(item: pytest.Item) -> SelectedTest:
    fixtures = tuple(getattr(item, "fixturenames", ()))
    carried = markers.names(item)
    file = item.nodeid.partition("::")[0]
    group, shared_lease = _group(item) if "xdist_group" in carried else "", _holds_shared_lease(item)
    if _SKIP in carried:
        # Another machine may not skip it, so what decides the shares of all stays.
        return SelectedTest(item.nodeid, file, group=group, shared_lease=shared_lease, skip_reason="its marker")
    nodes = sum(count for name, count in _NODE_FIXTURES.items() if name in fixtures)
    images: tuple[str, ...] = ()
    if nodes:
        arguments = node_arguments.of_item(item)
        images = (str(arguments.get("scylla_docker_image") or arguments.get("image") or NODE_IMAGE),)
    images += tuple(image for name, image in _FIXTURE_IMAGES.items() if name in fixtures)
    if "docker_vector_store" in fixtures or "vector_store_image" in fixtures:
        named = node_arguments.of_item(item).get("vs_docker_image")
        images += (str(named),) if named else ()
    if "stress_tools" in carried:
        images += tuple(str(tool) for marker in item.iter_markers("stress_tools") for tool in marker.args)
    return SelectedTest(
        nodeid=item.nodeid,
        file=file,
        services=services_of(item),
        images=images,
        nodes=nodes,
        node_key=_node_key(item, fixtures),
        group=group,
        shared_lease=shared_lease,
        alone="run_alone" in carried,
        weight=markers.weight(item) if "weight" in carried else 1,
        limits=markers.limits(item) if "concurrency" in carried else (),
    )


def _node_key(item: pytest.Item, fixtures: Iterable[str]) -> str:
    """Return what nodes have in common that can serve the test; arguments that are wrong are told of elsewhere."""
    if "docker_scylla" not in fixtures:
        return ""
    arguments = node_arguments.of_item(item)
    told = repr(arguments)
    keys = item.config.stash.setdefault(_NODE_KEYS, {})
    if told not in keys:
        keys[told] = _key_of(arguments)
    return keys[told]


def _key_of(arguments: Mapping[str, object]) -> str:
    from sdcm.broker.protocol import node_key

    try:
        return node_key(node_arguments.request_of(arguments, "scylla"))
    except pytest.UsageError:
        return ""


def _services(item: pytest.Item, fixtures: Iterable[str]) -> frozenset[str]:
    if acts(item.config):
        return declaration_of(item).labels
    marked = [str(label) for marker in item.iter_markers("services") for label in marker.args]
    try:
        return frozenset(labels.needed(marked=marked, fixtures=fixtures))
    except UsageProblem as exc:
        raise pytest.UsageError(f"{item.nodeid}: {exc}") from exc


@cache
def _speaks_of_services(filename: str) -> bool:
    """Whether a comment of the file may name a service: finding where a function ends is slow."""
    return any("#" in line and "service" in line.lower() for line in linecache.getlines(filename))


def declaration_of(item: pytest.Item) -> Declaration:
    """Return all that a test says of the services it needs, in whatever form; worked out once.

    Raises:
        pytest.UsageError: Its marker names a service that does not exist.
    """
    if _SAID not in item.stash:
        item.stash[_SAID] = _declared(item)
    return item.stash[_SAID]


def _declared(item: pytest.Item) -> Declaration:
    """Ask a test what it needs; of those in one place that say the same themselves, only the first."""
    function, parent = getattr(item, "function", None), item.parent
    fixtures: tuple[str, ...] = tuple(getattr(item, "fixturenames", ()))
    sources = _sources(function)
    if parent is None or sources or any(mark.name in _SPEAKING for mark in item.own_markers):
        return _ask(item, fixtures, sources)
    said = parent.stash.setdefault(_SAID_ALIKE, {})
    words = getattr(function, "__doc__", None), fixtures
    if words not in said:
        said[words] = _ask(item, fixtures, sources)
    return said[words]


def _ask(item: pytest.Item, fixtures: Iterable[str], sources: Iterable[str]) -> Declaration:
    speakers = [getattr(item, name, None) for name in ("function", "cls", "module")]
    marks = list(item.iter_markers())
    try:
        return labels.declared(
            marked=[str(label) for mark in marks if mark.name == "services" for label in mark.args],
            fixtures=fixtures,
            docstrings=[text for speaker in speakers if (text := getattr(speaker, "__doc__", None))],
            skip_reasons=[str(mark.kwargs.get("reason", "")) for mark in marks if mark.name == "skipif"],
            sources=sources,
        )
    except UsageProblem as exc:
        raise pytest.UsageError(f"{item.nodeid}: {exc}") from exc


def _sources(function: object) -> list[str]:
    """Return the test's source with the comments above it, where a service may be named."""
    code = getattr(inspect.unwrap(function), "__code__", None) if callable(function) else None
    if not code or not _speaks_of_services(code.co_filename):
        return []
    lines = linecache.getlines(code.co_filename)
    first = code.co_firstlineno - 1
    return [labels.near_source(lines, first, first + len(inspect.getblock(lines[first:])))]


def _group(item: pytest.Item) -> str:
    names = []
    for marker in item.iter_markers("xdist_group"):
        name = marker.args[0] if marker.args else marker.kwargs.get("name", "default")
        if str(name) not in names:
            names.append(str(name))
    return "_".join(names)


def _holds_shared_lease(item: pytest.Item) -> bool:
    """Whether a fixture of wider scope than the test asks for a leasing fixture or the broker's engine."""
    info = getattr(item, "_fixtureinfo", None)
    if info is None:
        return False
    for name, definitions in info.name2fixturedefs.items():
        for definition in definitions:
            if definition.scope in _WIDE and (name in _LEASING_FIXTURES or not _LEASES.isdisjoint(definition.argnames)):
                return True
    return False


@pytest.hookimpl(tryfirst=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """Write the selection where the environment says; in plain pytest also start what it needs."""
    config = session.config
    if not is_worker(config):
        config_fixtures.check_files(config, session.items)
        node_arguments.check(session.items)
        marker_checks.check(session)
    if config.option.collectonly:
        if path := os.environ.get(selected.ENVIRONMENT_VARIABLE):
            selected.write(Path(path), [needs_of(item) for item in session.items])
        return
    context = context_of(config)
    file = context.selection_file
    if file is None or file.exists():
        return
    tests = [needs_of(item) for item in session.items] if context.plain else []
    served = needs_broker({label for test in tests for label in test.services}, os.environ)
    if context.opener:
        if served and not config.pluginmanager.hasplugin("dsession"):
            # The broker hands nodes on by what it knows of the tests to come.
            _write(file, tests)
            context.open_broker(tests)
    elif is_worker(config) and (served or (acts(config) and markers.carried(session, *_TIES))):
        _write(file, tests or [needs_of(item) for item in session.items])


def _write(file: Path, tests: Iterable[SelectedTest]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    selected.write(file, tests)
