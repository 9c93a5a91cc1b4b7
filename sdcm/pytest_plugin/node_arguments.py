"""What `docker_scylla_args` may say, and the request to the broker that it makes."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import pytest

from sdcm.near_names import hint
from sdcm.pytest_plugin import markers

if TYPE_CHECKING:
    from sdcm.broker.protocol import NodeRequest

MARKER = "docker_scylla_args"
#: Marker argument -> field of the request to the broker.
ARGUMENTS = {
    "scylla_docker_image": "image",
    "image": "image",
    "docker_network": "network",
    "ssl": "ssl",
    "mtls": "mtls",
    "seeds": "seeds",
    "rack": "rack",
    "dc": "dc",
    "native_entrypoint": "native_entrypoint",
    "fresh": "fresh",
    "smp": "smp",
    "memory_mb": "memory_mb",
    "extra_args": "extra_args",
}
#: Arguments that other fixtures read.
OTHERS = {"vs_docker_image": "image of `docker_vector_store`; without it there is none"}
_FLAGS = ("ssl", "mtls", "native_entrypoint", "fresh")
_NUMBERS = ("smp", "memory_mb")
_TEXTS = ("scylla_docker_image", "image", "docker_network", "dc", "vs_docker_image")


def of_item(item: pytest.Item) -> dict[str, object]:
    """Return the arguments of a test's markers: function over class over module."""
    return markers.merged_arguments(item, MARKER)


def check(items: Iterable[pytest.Item]) -> None:
    """Look at the arguments of all chosen tests before anything is set up for them.

    Raises:
        pytest.UsageError: One is unknown, or of the wrong type.
    """
    for item in items:
        if MARKER not in markers.names(item):
            continue
        if any(marker.args for marker in item.iter_markers(MARKER)):
            raise pytest.UsageError(f"{item.nodeid}: {MARKER} takes named arguments alone, such as ssl=True")
        try:
            check_arguments(of_item(item))
        except pytest.UsageError as exc:
            raise pytest.UsageError(f"{item.nodeid}: {exc}") from exc


def check_arguments(arguments: Mapping[str, object]) -> None:
    """Check names and types.

    Raises:
        pytest.UsageError: One is unknown (the known ones are listed, near ones named), or of the wrong type.
    """
    known = sorted({*ARGUMENTS, *OTHERS})
    for name, value in arguments.items():
        if name not in known:
            raise pytest.UsageError(f"{MARKER}: unknown argument {name!r} -- {hint(name, known)}")
        if value is not None and (wanted := _wanted(name, value)):
            raise pytest.UsageError(f"{MARKER}: {name} is {value!r} -- it takes {wanted}")


def _wanted(name: str, value: object) -> str:
    """Return what the argument takes when it does not take this."""
    if name in _FLAGS:
        return "" if isinstance(value, bool) else "True or False"
    if name in _NUMBERS:
        return "" if isinstance(value, int) and not isinstance(value, bool) and value > 0 else "a whole number above 0"
    if name in _TEXTS:
        return "" if isinstance(value, str) else "a text"
    if name == "rack":
        return "" if isinstance(value, (int, str)) and not isinstance(value, bool) else "a number or a name"
    if name == "extra_args":
        words = isinstance(value, (list, tuple)) and all(isinstance(word, str) for word in value)
        return "" if words else "a list of texts"
    names = isinstance(value, str) or (isinstance(value, (list, tuple)) and all(isinstance(one, str) for one in value))
    return "" if names else "a text, addresses separated by commas, or a list of texts"


def request_of(arguments: Mapping[str, object], fixture: str, **more: Any) -> "NodeRequest":
    """Turn marker arguments into a request to the broker. An argument that is None counts as left out.

    Args:
        arguments: The marker's arguments, all levels merged; never changed.
        fixture: Short name of the fixture.
        **more: Fields that the fixture itself decides.

    Raises:
        pytest.UsageError: An argument is unknown, or of the wrong type.
    """
    from sdcm.broker.protocol import NodeRequest

    check_arguments(arguments)
    given = {name: value for name, value in arguments.items() if value is not None and name in ARGUMENTS}
    fields: dict[str, Any] = {}
    # `scylla_docker_image` wins over `image`, so it comes last.
    for name in sorted(given, key=lambda name: name == "scylla_docker_image"):
        fields[ARGUMENTS[name]] = given[name]
    if isinstance(fields.get("seeds"), str):
        fields["seeds"] = fields["seeds"].replace(",", " ").split()
    if "rack" in fields:
        fields["rack"] = str(fields["rack"])
    if fields.get("mtls"):
        fields["ssl"] = True
    for name in ("seeds", "extra_args"):
        fields[name] = tuple(fields.get(name, ()))
    return NodeRequest(**{**fields, "fixture": fixture, **more})
