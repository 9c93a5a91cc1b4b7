"""What a failure is told apart as: product, test or environment.

    environment  what the run brought up failed: engine, broker or node, anything of ours during set-up and teardown,
                 or what the broker could not do for a test that asked
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
_PYTEST = ("_pytest", "pytest", "pluggy")
#: Packages whose frames only carry a failure on.
_CARRIERS = (*_PYTEST, "sdcm.pytest_plugin", "sdcm.wait", "contextlib")
#: What asks the broker.
_BROKER = "sdcm.broker.client"
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
    if isinstance(error, EnvironmentFailed) and (when != "call" or _is_answer_of_the_broker(error)):
        return ENVIRONMENT
    if when != "call" and _is_defect_of_ours(error):
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


def _is_answer_of_the_broker(error: BaseException) -> bool:
    """Whether what the run brings up failed when a test asked for it: an image on the cluster, for example."""
    return any(_module_of(frame) == _BROKER for frame in _frames(error.__traceback__))


def _is_defect_of_ours(error: BaseException) -> bool:
    """Whether a fixture or hook of ours broke; what ours raises to tell a test something is of a type of its own."""
    told = _within(type(error).__module__, ("sdcm", *_PYTEST, *_PRODUCT)) or not isinstance(error, Exception)
    return not told and _within(_called(error.__traceback__), ("sdcm",))


def _called(trace: TracebackType | None) -> str:
    """Return the module of what pytest called last on the way to a failure: a fixture, a hook, a test."""
    called = ""
    for module in map(_module_of, _frames(trace)):
        if _within(module, _PYTEST):
            called = ""
        elif not called and module.partition(".")[0] not in sys.stdlib_module_names:
            called = module
    return called


def _frames(trace: TracebackType | None) -> Iterator[TracebackType]:
    """Yield the frames of a traceback, the outermost first."""
    while trace is not None:
        yield trace
        trace = trace.tb_next


def _module_of(trace: TracebackType) -> str:
    return str(trace.tb_frame.f_globals.get("__name__", ""))


def _is_product(error: BaseException) -> bool:
    if isinstance(error, _MISTAKES):
        return False
    return _within(type(error).__module__, _PRODUCT) or _within(_origin(error.__traceback__), _PRODUCT)


def _origin(trace: TracebackType | None) -> str:
    """Return the module of the innermost frame that says where a failure came from."""
    origin = ""
    for module in map(_module_of, _frames(trace)):
        if module.partition(".")[0] not in sys.stdlib_module_names and not _within(module, _CARRIERS):
            origin = module
    return origin


def _within(module: str, packages: tuple[str, ...]) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in packages)
