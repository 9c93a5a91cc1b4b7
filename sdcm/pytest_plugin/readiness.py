"""Lets a test start when what it needs is there; skips it, with the reason, when it is not to be had."""

import os
import time
from pathlib import Path
from typing import NoReturn

import pytest

from sdcm.broker.protocol import SERVICES_VARIABLE
from sdcm.errors import ServiceUnavailable, UsageProblem
from sdcm.pytest_plugin import collecting, stopping
from sdcm.pytest_plugin.journalling import tell_that_tests_begin
from sdcm.pytest_plugin.session import RunContext, context_of
from sdcm.scheduling.protocol import WAITED_PROPERTY
from sdcm.services.table import BROUGHT_UP

#: Seconds; a shorter wait is no wait.
_WORTH_NOTING = 0.1
#: Seconds between two looks whether a service is up yet.
_STEP = 0.05
#: Seconds after which a test asks the broker, which knows more; whatever comes up has an earlier deadline of its own.
_PATIENCE = 3600.0


def skip_unavailable(label: str, error: ServiceUnavailable) -> NoReturn:
    """Skip the running test for a service that is not to be had; the reason begins with the service's label.

    Raises:
        pytest.skip.Exception: Always.
    """
    reason = str(error)
    pytest.skip(reason if reason.startswith(f"{label}: ") else f"{label}: {reason}")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> None:
    """Where a failure ends the run, wait before the test has started: one that still waits then is left out.

    Otherwise it would hold the run's end up for as long as its service takes, and only then begin.
    """
    file = os.environ.get(SERVICES_VARIABLE, "")
    if not file or not stopping.failures_end_run(item.config):
        return
    from sdcm.broker.states import is_awaited

    labels = [label for label in BROUGHT_UP if label in collecting.services_of(item)]
    end = time.monotonic() + _PATIENCE
    while any(is_awaited(Path(file), label) for label in labels) and time.monotonic() < end:
        if stopping.no_more_tests(item.config):
            return  # `stopping` leaves it out
        tell_that_tests_begin()  # a cluster that comes up lets the first tests go before, for a while
        time.sleep(_STEP)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Wait for the test's services before any of its fixtures run."""
    labels = collecting.services_of(item)
    context = context_of(item.config)
    started = time.monotonic()
    for label in BROUGHT_UP:
        if label in labels:
            _wait_for(context, label)
    if (waited := time.monotonic() - started) > _WORTH_NOTING:
        item.user_properties.append((WAITED_PROPERTY, round(waited, 3)))


def _wait_for(context: RunContext, label: str) -> None:
    """Wait for a service and let this process, and so the test, reach it.

    Raises:
        pytest.skip.Exception: It is not to be had.
        pytest.fail.Exception: Nothing is brought up here at all.
    """
    try:
        answer = context.client().ask("wait", service=label)
    except ServiceUnavailable as exc:
        skip_unavailable(label, exc)
    except UsageProblem as exc:
        raise pytest.fail.Exception(str(exc), pytrace=False) from None
    else:
        for name, value in answer["environ"].items():
            context.set_environ(name, value)
