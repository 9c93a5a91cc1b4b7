"""Lets a test start when what it needs is there; skips it, with the reason, when it is not to be had."""

import time
from typing import NoReturn

import pytest

from sdcm.errors import ServiceUnavailable, UsageProblem
from sdcm.pytest_plugin import collecting
from sdcm.pytest_plugin.durations import WAITED_PROPERTY
from sdcm.pytest_plugin.session import RunContext, context_of
from sdcm.services.table import BROUGHT_UP

#: Seconds; a shorter wait is no wait.
_WORTH_NOTING = 0.1


def skip_unavailable(label: str, error: ServiceUnavailable) -> NoReturn:
    """Skip the running test for a service that is not to be had; the reason begins with the service's label.

    Raises:
        pytest.skip.Exception: Always.
    """
    reason = str(error)
    pytest.skip(reason if reason.startswith(f"{label}: ") else f"{label}: {reason}")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Wait for the test's services before any of its fixtures run."""
    labels = collecting.needs_of(item).services
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
