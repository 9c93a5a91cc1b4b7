"""What a failure is told apart as: product, test or environment.

    environment  what the run brought up failed: engine, broker or node, or anything of ours during set-up and teardown
    product      it came out of the database: its driver, a tool run in its container, or its process ended by itself
    test         all else, an assertion of the test's own first of all

A leak is no failure of a test's code and is classed where it is found.
"""

import sys
from collections.abc import Iterator
from types import TracebackType

from sdcm.errors import EnvironmentFailed

ENVIRONMENT, PRODUCT, TEST = "environment", "product", "test"
#: Packages that speak with the database and what stands for it.
_PRODUCT = ("cassandra", "boto3", "botocore", "sdcm.containers", "sdcm.kubernetes", "sdcm.stress")
#: Packages whose frames only carry a failure on.
_CARRIERS = ("_pytest", "pluggy", "sdcm.pytest_plugin", "sdcm.wait", "contextlib")
#: Mistakes in code, wherever they come to light.
_MISTAKES = (AssertionError, TypeError, AttributeError, NameError, LookupError)
#: Errors that are the environment's in every phase, by name: their modules are not to be imported for this.
_ALWAYS_ENVIRONMENT = ("BrokerGone", "EngineLost", "EngineSilent")
#: What a program says when the engine's disk is full, whoever ran it.
DISK_FULL = "No space left on device"


def classify(error: BaseException, when: str, *, nodes_ended: bool, environment_lost: bool) -> str:
    """Return the class of a failure.

    Args:
        error: What was raised.
        when: Phase: `setup`, `call` or `teardown`.
        nodes_ended: A container that the test held has ended by itself.
        environment_lost: The engine of such a container does not answer, or the kernel killed it for its memory.
    """
    chain = list(_chain(error))
    if environment_lost or any(_is_environment(part) for part in chain):
        return ENVIRONMENT
    if when != "call" and isinstance(error, EnvironmentFailed):
        return ENVIRONMENT
    if nodes_ended or any(_is_product(part) for part in chain):
        return PRODUCT
    return TEST


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error and what it was raised from on purpose."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__


def _is_environment(error: BaseException) -> bool:
    return type(error).__name__ in _ALWAYS_ENVIRONMENT or DISK_FULL.lower() in str(error).lower()


def _is_product(error: BaseException) -> bool:
    if isinstance(error, _MISTAKES):
        return False
    return _within(type(error).__module__, _PRODUCT) or _within(_origin(error.__traceback__), _PRODUCT)


def _origin(trace: TracebackType | None) -> str:
    """Return the module of the innermost frame that says where a failure came from."""
    origin = ""
    while trace is not None:
        module = str(trace.tb_frame.f_globals.get("__name__", ""))
        if module.partition(".")[0] not in sys.stdlib_module_names and not _within(module, _CARRIERS):
            origin = module
        trace = trace.tb_next
    return origin


def _within(module: str, packages: tuple[str, ...]) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in packages)
