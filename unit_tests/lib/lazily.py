"""Modules that are loaded when a test uses them.

The collect pass and every worker import all test files, and an SDK costs a tenth of a second or more in each.
"""

import importlib
from importlib.util import find_spec
from typing import Any


def lazily(name: str) -> Any:
    """Return what stands for a module until one of its attributes is asked for.

    Args:
        name: The module, with dots.

    Raises:
        ModuleNotFoundError: There is no such package, which is to show when tests are collected.
    """
    if find_spec(name.partition(".")[0]) is None:
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)
    return _Later(name)


class _Later:
    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        if attribute.startswith("_"):  # pytest looks for signs of its own on all that a file holds
            raise AttributeError(attribute)
        return getattr(importlib.import_module(self._name), attribute)
