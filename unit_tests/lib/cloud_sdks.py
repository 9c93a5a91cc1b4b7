"""Keeps the SDKs of clouds out of a test, also those that an earlier test of the same process has loaded."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.machinery import ModuleSpec
from types import ModuleType

#: Top-level names of the SDKs; moto loads boto3.
NAMES = frozenset({"azure", "boto3", "botocore", "google", "moto", "oci"})


class CloudSdkLoadedError(ImportError):
    """A test that is about no cloud loaded a cloud's SDK."""


class _Refusing:
    """A finder that refuses the SDKs and writes down each attempt."""

    def __init__(self) -> None:
        self.attempts: list[str] = []

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find nothing; refuse what is a cloud's."""
        if name.partition(".")[0] not in NAMES:
            return None
        self.attempts.append(name)
        raise CloudSdkLoadedError(f"{name} is the SDK of a cloud: such tests belong in unit_tests/unit/cloud/")


@contextmanager
def without_cloud_sdks() -> Iterator[list[str]]:
    """Refuse to load SDKs for the time of the block, and hide those that are loaded; give the attempts so far."""
    hidden = {name: module for name, module in sys.modules.items() if name.partition(".")[0] in NAMES}
    for name in hidden:
        del sys.modules[name]
    finder = _Refusing()
    sys.meta_path.insert(0, finder)
    try:
        yield finder.attempts
    finally:
        sys.meta_path.remove(finder)
        sys.modules.update(hidden)
