import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import FrozenInstanceError

import pytest

from sdcm.containers import execution
from sdcm.containers.execution import CommandResult, CommandTimedOut, Execution, UnexpectedExit
from sdcm.exit_codes import ExitCode
from unit_tests.lib.fake_docker import Answer, FakeExecApi

Make = Callable[[Answer | None], FakeExecApi]


@pytest.fixture
def api() -> Iterator[Make]:
    made: list[FakeExecApi] = []

    def make(answer: Answer | None) -> FakeExecApi:
        made.append(FakeExecApi(lambda _argv: answer))
        return made[-1]

    yield make
    for one in made:
        one.close()


def perform(api: FakeExecApi, argv: Sequence[str] = ("true",), timeout: float = 300, **more: object) -> CommandResult:
    return Execution(tuple(argv), "shown", timeout, **more).perform(api, "id", "node-1")  # type: ignore[arg-type]


def test_output_comes_back_by_stream_with_the_status(api: Make) -> None:
    began = time.monotonic()
    result = perform(api((3, "out\n", "err\n")))
    assert 0 <= result.duration <= time.monotonic() - began
    assert (result.stdout, result.stderr, result.exit_status) == ("out\n", "err\n", 3)
    assert (result.exited, result.return_code, result.ok, result.failed) == (3, 3, False, True)
    assert result.command == "shown"


def test_long_output_arrives_whole(api: Make) -> None:
    text = "x" * 100_000
    assert perform(api((0, text, ""))).stdout == text


def test_output_that_is_no_utf8_does_not_fail() -> None:
    assert CommandResult(b"\xff".decode(errors="replace"), "", 0, 0.1, "x").stdout == "\ufffd"


def test_a_result_cannot_be_changed(api: Make) -> None:
    with pytest.raises(FrozenInstanceError):
        perform(api((0, "", ""))).stdout = "other"  # type: ignore[misc]


def test_the_command_is_killed_inside_when_its_time_is_up(api: Make) -> None:
    fake = api((0, "", ""))
    perform(fake, ["sleep", "9"], timeout=1.5, user="root")
    assert fake.commands == [["timeout", "-k", "2", "1.5", "sleep", "9"]]
    assert fake.users == ["root"]


@pytest.mark.parametrize("status", [124, 137])
def test_a_command_that_was_killed_in_time_raises_with_what_it_wrote(api: Make, status: int) -> None:
    with pytest.raises(CommandTimedOut, match=r"`shown` in node-1 did not end within 0 s") as failure:
        perform(api((status, "half", "")), timeout=0)
    assert failure.value.result.stdout == "half"
    assert failure.value.exit_code is ExitCode.TESTS_FAILED


def test_the_same_status_before_the_time_is_up_is_the_commands_own(api: Make) -> None:
    assert perform(api((124, "", ""))).exit_status == 124


def test_a_silent_engine_does_not_hold_the_caller(api: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(execution, "_GRACE", 0.1)
    started = time.monotonic()
    with pytest.raises(CommandTimedOut, match="the container does not answer"):
        perform(api(None), timeout=0.1)
    assert time.monotonic() - started < 60


def test_pieces_of_output_are_given_as_they_come(api: Make) -> None:
    pieces: list[tuple[bytes, bool]] = []
    perform(api((0, "out", "err")), on_output=lambda data, is_stderr: pieces.append((data, is_stderr)))
    assert pieces == [(b"out", False), (b"err", True)]


def test_an_unexpected_status_names_command_place_and_last_words() -> None:
    error = UnexpectedExit(CommandResult("out", "first\nlast words\n", 2, 0.1, "make it"), "node-1")
    assert str(error) == "`make it` in node-1 ended with status 2: last words"
    assert error.evidence == "out\nfirst\nlast words"
    assert error.exit_code is ExitCode.TESTS_FAILED
