from pathlib import Path

import pytest

from sdcm.broker.client import BrokerGone
from sdcm.containers.ending import ContainerEnded
from sdcm.containers.execution import CommandResult, UnexpectedExit
from sdcm.errors import DeadlinePassed, EngineLost, EnvironmentFailed, ServiceUnavailable, UsageProblem
from sdcm.pytest_plugin.failure_class import classify
from sdcm.wait import WaitForTimeoutError, wait_for


def raised(function):
    try:
        function()
    except BaseException as exc:  # noqa: BLE001 - whatever it is, it is what is to be classed
        return exc
    raise AssertionError("nothing was raised")


def failing(error):
    def fail():
        raise error

    return raised(fail)


class DriverError(Exception):
    """Stands for an error of the driver's."""


DriverError.__module__ = "cassandra.cluster"
TOOL = UnexpectedExit(CommandResult("", "no such table", 1, 0.1, "cqlsh"), "node-1")


@pytest.mark.parametrize(
    ("error", "when", "name"),
    [
        (AssertionError("1 == 2"), "call", "test"),
        (KeyError("x"), "call", "test"),
        (DriverError("no host"), "call", "product"),
        (TOOL, "call", "product"),
        (EnvironmentFailed("no node"), "setup", "environment"),
        (EnvironmentFailed("a wait of the test's"), "call", "test"),
        (DeadlinePassed("no room"), "setup", "environment"),
        (BrokerGone(Path("nowhere")), "call", "environment"),
        (EngineLost("gone"), "call", "environment"),
        (ContainerEnded("node-1 ended"), "call", "product"),
    ],
)
def test_an_error_alone(error, when, name):
    assert classify(failing(error), when, nodes_ended=False, environment_lost=False) == name


def test_what_became_of_the_containers_decides_first():
    error = failing(AssertionError("no rows"))
    assert classify(error, "call", nodes_ended=True, environment_lost=False) == "product"
    assert classify(error, "call", nodes_ended=True, environment_lost=True) == "environment"


def test_a_wait_is_of_the_class_of_its_last_error():
    def driver():
        raise DriverError("no host")

    def key():
        raise KeyError("x")

    assert (
        classify(raised(lambda: wait_for(driver, timeout=0)), "call", nodes_ended=False, environment_lost=False)
        == "product"
    )
    timed_out = raised(lambda: wait_for(key, timeout=0))
    assert isinstance(timed_out, WaitForTimeoutError)
    assert classify(timed_out, "call", nodes_ended=False, environment_lost=False) == "test"


def test_a_failure_that_comes_out_of_the_driver_is_the_products_but_a_wrong_call_of_it_is_not():
    code = "def ask(error):\n    raise error\n"
    driver = {"__name__": "cassandra.connection"}
    exec(code, driver)
    assert (
        classify(raised(lambda: driver["ask"](OSError("reset"))), "call", nodes_ended=False, environment_lost=False)
        == "product"
    )
    assert (
        classify(raised(lambda: driver["ask"](TypeError("no str"))), "call", nodes_ended=False, environment_lost=False)
        == "test"
    )


def module_of_ours(name, source):
    """Return the namespace of a module of ours that says `source`."""
    namespace = {"__name__": name}
    exec(compile(source, f"{name}.py", "exec"), namespace)
    return namespace


CALLING = "def call(function, *arguments):\n    return function(*arguments)\n"
PYTEST = module_of_ours("_pytest.fixtures", CALLING)["call"]
FIXTURE = module_of_ours("sdcm.pytest_plugin.kafka_fixtures", CALLING)["call"]
ASKING = module_of_ours("sdcm.broker.client", CALLING)["call"]


def fail(error):
    raise error


@pytest.mark.parametrize(
    ("error", "calls", "name"),
    [
        (RuntimeError("of ours"), [PYTEST, FIXTURE], "environment"),
        (KeyError("of ours"), [PYTEST, FIXTURE], "environment"),
        (DriverError("no host"), [PYTEST, FIXTURE], "product"),
        (UsageProblem("a marker's argument"), [PYTEST, FIXTURE], "test"),
        (pytest.UsageError("a marker's argument"), [PYTEST, FIXTURE], "test"),
        (RuntimeError("of a fixture of theirs, which ours asks for"), [PYTEST, FIXTURE, PYTEST], "test"),
        (RuntimeError("of theirs, under a hook of ours"), [FIXTURE, PYTEST], "test"),
    ],
)
@pytest.mark.parametrize("when", ["setup", "teardown"])
def test_a_defect_of_ours_is_the_environments_while_we_set_up_and_tear_down(error, calls, name, when):
    first, *others = calls
    found = raised(lambda: first(*others, fail, error))
    assert classify(found, when, nodes_ended=False, environment_lost=False) == name
    if name == "environment":
        assert classify(found, "call", nodes_ended=False, environment_lost=False) == "test"


def test_what_the_broker_could_not_do_for_a_test_is_the_environments():
    found = raised(lambda: ASKING(fail, EnvironmentFailed("it cannot be loaded")))
    assert classify(found, "call", nodes_ended=False, environment_lost=False) == "environment"
    found = raised(lambda: ASKING(fail, ServiceUnavailable("no such image")))
    assert classify(found, "call", nodes_ended=False, environment_lost=False) == "test"
