"""Severities: their order, their numbers and the limits of kinds."""

import pytest

from sdcm.events import kinds
from sdcm.events.severity import Severity, maximums


def test_numbers_and_text() -> None:
    assert {severity.name: int(severity) for severity in Severity} == {
        "SUPPRESS": -2,
        "DEBUG": -1,
        "UNKNOWN": 0,
        "NORMAL": 1,
        "WARNING": 2,
        "ERROR": 3,
        "CRITICAL": 4,
    }
    assert str(Severity.ERROR) == "Severity.ERROR"
    assert max(Severity.WARNING, Severity.ERROR) is Severity.ERROR


def test_every_limit_is_of_a_kind_that_exists() -> None:
    assert maximums()
    assert all(hasattr(kinds, name) for name in maximums())


def test_nobody_can_change_the_limits() -> None:
    with pytest.raises(TypeError):
        maximums()["InfoEvent"] = Severity.CRITICAL  # type: ignore[index]
