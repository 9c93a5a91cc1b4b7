"""Rules that a test has to keep before anything is set up for it: I01-I05 and I07.

They hold where our rules act (`session.acts`): under `sct.py`, and where the project says `sct = true`. I05, that
missing credentials skip a test, holds there by itself: whatever declares a cloud skips.

The collecting process ends with one line for each breach. An xdist worker cannot do that; there a test that
breaks a rule fails with its line instead, before its first fixture.
"""

import dis
import inspect
import linecache
import sys
from collections.abc import Generator, Iterator
from functools import lru_cache
from pathlib import Path
from types import CodeType, FunctionType, ModuleType

import pytest

from sdcm.pytest_plugin import collecting
from sdcm.pytest_plugin.barring import Guard
from sdcm.pytest_plugin.session import acts, is_worker
from sdcm.services import labels, rule_texts, sdk_names
from sdcm.services.rooms import room_of

_BREACH = pytest.StashKey[str]()
_GUARD = pytest.StashKey[Guard]()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection(session: pytest.Session) -> Generator[None, object, object]:
    """I07: refuse network, engines and their programs to files while they are imported."""
    if not acts(session.config):
        return (yield)
    root = session.config.rootpath
    guard = Guard(lambda address: f"{_importing(root)}: I07 {rule_texts.while_importing(f'reaches for {address}')}")
    session.config.stash[_GUARD] = guard
    with guard.watching(programs=True):
        return (yield)


def _importing(root: Path) -> str:
    """Return file and line of the test file or conftest whose import is under way."""
    frame = sys._getframe(1)
    place = str(root)
    while frame is not None:
        path = Path(frame.f_code.co_filename)
        if path.is_relative_to(root) and (path.name == "conftest.py" or "test" in path.name):
            place = f"{path.relative_to(root)}:{frame.f_lineno}"
            if frame.f_code.co_name == "<module>":
                break
        if frame.f_back is None:
            break
        frame = frame.f_back
    return place


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Look at every collected test, chosen or not: an unmarked one would never be chosen.

    Raises:
        pytest.UsageError: A rule is broken; one line for each breach.
    """
    if not acts(config):
        return
    guard = config.stash.get(_GUARD, None)
    lines = list(dict.fromkeys(guard.attempts)) if guard else []
    found: dict[str, list[str]] = {}
    for item in items:
        test = item.nodeid.partition("[")[0]
        if test not in found:
            found[test] = [f"{_where(item)}: {breach}" for breach in _breaches(item) if not _is_ignored(item, breach)]
            lines += found[test]
        if found[test]:
            item.stash[_BREACH] = found[test][0]
    if lines and not is_worker(config):
        raise pytest.UsageError(*lines)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """In a worker, fail a test that breaks a rule before anything is set up for it."""
    if _BREACH in item.stash:
        pytest.fail(item.stash[_BREACH], pytrace=False)


def _breaches(item: pytest.Item) -> Iterator[str]:
    room = _room(item.path, item.config.rootpath)
    name = item.nodeid.partition("::")[2].partition("[")[0] or item.name
    marked = item.get_closest_marker("integration") is not None
    if room == "integration" and not marked:
        yield f"I01 {rule_texts.unmarked(name)}"
    if room == "unit" and marked:
        yield f"I02 {rule_texts.misplaced(name)}"
    if not marked or room not in {"integration", "acceptance"}:
        return
    said = collecting.declaration_of(item)
    words = [word for word in said.unknown if len(word.split()) == 1]
    if words:
        yield f"I04 {rule_texts.unknown(name, words)}"
    used = {} if said.labels >= frozenset(sdk_names.LABELS) else _used(item)
    for label in sorted(used.keys() - said.labels):
        yield f"I04 {rule_texts.uses(name, label, used[label])}"
    if not said.stated and not used:
        wrong = _missing_fixture(item)
        yield f"I03 {rule_texts.no_fixture(name, wrong, _fixtures(item)) if wrong else rule_texts.undeclared(name)}"


def _missing_fixture(item: pytest.Item) -> str:
    """Return the first of a test's fixtures that is not there; pytest itself tells of it only when the test runs."""
    info = getattr(item, "_fixtureinfo", None)
    there = {"request", *getattr(info, "name2fixturedefs", ()), *getattr(getattr(item, "callspec", None), "params", ())}
    return next((name for name in getattr(info, "argnames", ()) if name not in there), "")


def _fixtures(item: pytest.Item) -> set[str]:
    """Return the names of the fixtures of plugins and conftests, and of the test's own file."""
    places = [*item.config.pluginmanager.get_plugins(), getattr(item, "module", None)]
    members = (member for place in places for member in getattr(place, "__dict__", {}).items())
    return {name for name, value in members if type(value).__name__ == "FixtureFunctionDefinition"}


@lru_cache(maxsize=64)  # tests come file by file
def _room(path: Path, root: Path) -> str:
    return room_of(path.relative_to(root)) if path.is_relative_to(root) else ""


def _where(item: pytest.Item) -> str:
    file, line, _ = item.location
    return f"{file}:{(line or 0) + 1}"


def _is_ignored(item: pytest.Item, breach: str) -> bool:
    """Whether a comment at the head of a test, or right above it, lets a rule be broken."""
    function = getattr(item, "function", None)
    code = getattr(inspect.unwrap(function), "__code__", None) if callable(function) else None
    if code is None:
        return False
    lines = linecache.getlines(code.co_filename)
    if not any("sct: ignore[" in line for line in lines):
        return False
    first = last = code.co_firstlineno - 1
    while last < len(lines) and "def " not in lines[last]:
        last += 1
    head = labels.near_source(lines, first, last + 1)
    return any(breach.split(" ", 1)[0] in rules for rules in rule_texts.ignored(head))


def _used(item: pytest.Item) -> dict[str, str]:
    """Return label -> what a test's own code calls of an SDK, with nothing put in its place."""
    function = getattr(item, "function", None)
    # What is wrapped is so by moto's or mock's decorators.
    if not isinstance(function, FunctionType) or hasattr(function, "__wrapped__"):
        return {}
    names = set(_names(function.__code__))
    suspects = {name for name in names if _root(function.__globals__.get(name), name) in sdk_names.ROOTS}
    if not suspects or _is_replaced(item, function, names):
        return {}
    found: dict[str, str] = {}
    for name in _dotted(function.__code__):
        root, dot, rest = name.partition(".")
        if root in suspects:
            full = f"{_full_name(function.__globals__.get(root), root)}{dot}{rest}"
            if label := sdk_names.label_of(full):
                found.setdefault(label, full)
    return found


def _is_replaced(item: pytest.Item, function: FunctionType, words: set[str]) -> bool:
    """Whether the test, which uses these names, is mocked, or leads its SDK to an address of its own."""
    modules = (getattr(function.__globals__.get(name), "__module__", "") or "" for name in words)
    if any(module.startswith(sdk_names.MOCKS) for module in modules):
        return True
    fixtures = getattr(item, "fixturenames", ())
    return bool(words & sdk_names.ELSEWHERE) or any(
        part in name for name in fixtures for part in ("mock", "moto", "fake", "monkeypatch")
    )


def _names(code: CodeType) -> Iterator[str]:
    """Yield the names that code and the functions in it use, argument names of their calls among them."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)
        elif isinstance(constant, tuple):
            yield from (each for each in constant if isinstance(each, str))


def _root(value: object, name: str) -> str:
    """Return the package of what a name stands for; most names of a function are none of its module's."""
    return name if value is None else _full_name(value, name).partition(".")[0]


def _full_name(value: object, name: str) -> str:
    if isinstance(value, ModuleType):
        return value.__name__
    module = getattr(value, "__module__", None)
    return f"{module}.{getattr(value, '__name__', name)}" if isinstance(module, str) else name


def _dotted(code: CodeType) -> Iterator[str]:
    """Yield the dotted names that code loads, such as `boto3.client`."""
    name = ""
    for instruction in dis.get_instructions(code):
        if instruction.opname == "LOAD_GLOBAL":
            if name:
                yield name
            name = str(instruction.argval)
        elif name and instruction.opname in {"LOAD_ATTR", "LOAD_METHOD"}:
            name += f".{instruction.argval}"
        elif name and instruction.opname not in {"CACHE", "PRECALL", "PUSH_NULL"}:
            yield name
            name = ""
    if name:
        yield name
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _dotted(constant)
