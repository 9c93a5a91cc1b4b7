import functools
import time
from types import SimpleNamespace
from typing import Any

import pytest

from sdcm import wait


class FollowedNode:
    """A node whose log says more at each look."""

    name = "node-1"

    def __init__(self, *looks: list[str]) -> None:
        self.looks = list(looks)
        self.followed: list[tuple[str, ...]] = []

    def follow_system_log(self, patterns: Any) -> Any:
        self.followed.append(tuple(patterns))
        node = self

        class Lines:
            def __iter__(self) -> Any:
                said = node.looks.pop(0) if node.looks else []
                return (line for line in said if any(pattern in line for pattern in patterns))

        return Lines()


def test_log_lines_are_followed_from_before_the_body(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wait, "time", SimpleNamespace(sleep=lambda _seconds: None, monotonic=time.monotonic))
    node = FollowedNode([], ["repair started"], [], ["repair finished"])
    with wait.wait_for_log_lines(node, ["repair started"], ["repair finished", "repair failed"]):
        assert node.followed == [("repair started",), ("repair finished", "repair failed")]
    assert node.looks == []


@pytest.mark.parametrize(("looks", "which"), [([], "start"), ([["begun"]], "end")])
def test_a_line_that_does_not_come_is_named_with_its_node(looks: list[list[str]], which: str) -> None:
    node = FollowedNode(*looks)
    pattern = "begun" if which == "start" else "over"
    message = rf"repair of ks: Timeout occurred while waiting for {which} log line \['{pattern}'\] on node: node-1"
    with (
        pytest.raises(TimeoutError, match=message) as caught,
        wait.wait_for_log_lines(
            node, ["begun"], ["over"], start_timeout=0, end_timeout=0, error_msg_ctx="repair of ks"
        ),
    ):
        pass
    assert isinstance(caught.value, wait.WaitForTimeoutError)


def test_an_error_of_the_body_is_not_waited_on() -> None:
    with pytest.raises(ZeroDivisionError), wait.wait_for_log_lines(FollowedNode(), ["a"], ["b"]):
        _ = 1 / 0


def test_flaw_21_of_waiting_is_mended() -> None:
    """There 0 meant for ever, the last value was lost, unnamed callables crashed, and a function's error escaped."""
    assert wait.wait_for(list, timeout=0, throw_exc=False) == []
    with pytest.raises(wait.WaitForTimeoutError, match=r"Wait for: int: timeout - 0 seconds - expired: last value: 0"):
        wait.wait_for(functools.partial(int, "0"), timeout=0)
    with pytest.raises(wait.WaitForTimeoutError) as caught:
        wait.wait_for(lambda: 1 / 0, timeout=0)
    assert isinstance(caught.value.__cause__, ZeroDivisionError)
