"""Running programs: real child processes, none of which outlives its time."""

import os
import signal
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from sdcm import process, process_output
from sdcm.exit_codes import ExitCode
from sdcm.process import CommandFailed, CommandTimedOut
from sdcm.wait import wait_for
from unit_tests.lib.set_clock import SetClock


def _gone(pid: int) -> bool:
    """Whether a process has ended, as a zombie has."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def _await_end(pid: int) -> None:
    wait_for(_gone, step=0.02, text="the process's end", timeout=30, pid=pid)


def _number_in(path: Path) -> int:
    wait_for(lambda: path.read_text().endswith("\n"), step=0.02, text=f"a number in {path.name}", timeout=30)
    return int(path.read_text())


def test_output_status_and_time_come_back() -> None:
    began = time.monotonic()
    done = process.run(["sh", "-c", "echo out; echo err >&2"], timeout=60)
    assert 0 < done.duration <= time.monotonic() - began
    assert (done.stdout, done.stderr, done.exit_status, done.ok) == ("out\n", "err\n", 0, True)
    assert done.argv == ("sh", "-c", "echo out; echo err >&2")


def test_paths_are_arguments_and_no_shell_reads_them(tmp_path: Path) -> None:
    odd = tmp_path / "a b; echo $HOME"
    odd.write_text("text")
    assert process.run(["cat", odd], timeout=60).stdout == "text"


@pytest.mark.parametrize("given", ["text", b"text"])
def test_input_reaches_the_program_and_otherwise_there_is_none(given: str | bytes) -> None:
    assert process.run(["cat"], timeout=60, input=given).stdout == "text"
    assert process.run(["cat"], timeout=60).stdout == ""


def test_input_and_output_larger_than_a_pipe_do_not_block(tmp_path: Path) -> None:
    big = "x" * 1_000_000 + "\n"
    assert process.run(["cat"], timeout=60, input=big).stdout == big
    assert process.run(["cat"], timeout=60, input=big, log=tmp_path / "log").stdout == big
    assert process.run(["true"], timeout=60, input=big).ok


def test_environment_and_folder_are_those_given(tmp_path: Path) -> None:
    done = process.run(
        ["/bin/sh", "-c", "pwd; echo $ONLY; echo ${HOME:-none}"], timeout=60, env={"ONLY": "1"}, cwd=tmp_path
    )
    assert done.stdout.split() == [str(tmp_path.resolve()), "1", "none"]


def test_bytes_that_are_no_text_are_replaced() -> None:
    assert process.run(["printf", r"a\377b"], timeout=60).stdout == "a\ufffdb"


def test_another_status_is_an_error_with_the_last_line_and_the_log_as_evidence() -> None:
    with pytest.raises(CommandFailed) as caught:
        process.run(["sh", "-c", "echo first; echo the reason >&2; exit 3"], timeout=60)
    assert str(caught.value).endswith("ended with status 3: the reason")
    assert caught.value.evidence.splitlines() == ["first", "", "the reason"]
    assert caught.value.result is not None
    assert caught.value.result.exit_status == 3
    assert caught.value.exit_code is ExitCode.ENVIRONMENT_FAILED


def test_one_that_was_killed_is_an_error_that_names_the_signal() -> None:
    with pytest.raises(CommandFailed, match=r"`sh -c kill -9 \$\$` ended by SIGKILL \(sent from outside, or "):
        process.run(["sh", "-c", "kill -9 $$"], timeout=60)


def test_the_evidence_is_the_end_of_a_long_output() -> None:
    with pytest.raises(CommandFailed) as caught:
        process.run(["sh", "-c", "seq 1000; exit 1"], timeout=60)
    assert caught.value.evidence.splitlines() == [str(number) for number in range(961, 1001)]


def test_unchecked_a_status_or_signal_is_a_result() -> None:
    assert process.run(["sh", "-c", "exit 3"], timeout=60, check=False).exit_status == 3
    assert process.run(["sh", "-c", "kill -TERM $$"], timeout=60, check=False).exit_status == -signal.SIGTERM


def test_a_program_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(CommandFailed, match="cannot run no-such-program: No such file"):
        process.run(["no-such-program"], timeout=60)
    with pytest.raises(CommandFailed, match="cannot run no-such-program"):
        process.spawn(["no-such-program"], log=tmp_path / "log")


def test_a_program_is_killed_when_its_time_is_up() -> None:
    with pytest.raises(CommandTimedOut, match=r"`sleep 600` did not end within 0\.05 s"):
        process.run(["sleep", "600"], timeout=0.05)


@pytest.mark.parametrize("merged", [False, True])
def test_a_timeout_kills_the_whole_process_group(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, merged: bool) -> None:
    grandchild = tmp_path / "pid"

    class AfterTheGrandchild(threading.Timer):
        """The time is up as soon as the grandchild is known, however slow the machine."""

        def run(self) -> None:
            _number_in(grandchild)
            self.function()

    monkeypatch.setattr(threading, "Timer", AfterTheGrandchild)
    start = time.monotonic()
    with pytest.raises(CommandTimedOut, match=r"did not end within 300 s") as caught:
        process.run(
            ["sh", "-c", f"echo working; sleep 600 & echo $! > {grandchild}; wait"],
            timeout=300,
            log=tmp_path / "log" if merged else None,
        )
    assert time.monotonic() - start < 60
    assert caught.value.evidence == "working"
    _await_end(_number_in(grandchild))


def test_a_grandchild_that_left_the_group_cannot_hold_the_caller(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = SetClock()
    monkeypatch.setattr(process, "time", clock)
    monkeypatch.setattr(process_output, "time", clock)
    script = tmp_path / "leave.py"
    script.write_text(
        "import os,time\nif os.fork() == 0:\n os.setsid()\n print(os.getpid(), flush=True)\n time.sleep(600)\n"
    )
    start = time.monotonic()
    done = process.run([sys.executable, "-S", script], timeout=300, on_line=lambda _pid: clock.leap(310))
    os.kill(int(done.stdout), signal.SIGKILL)
    assert time.monotonic() - start < 60
    assert done.ok


def test_an_error_of_the_line_callback_ends_the_program(tmp_path: Path) -> None:
    pid = tmp_path / "pid"

    def refuse(line: str) -> None:
        raise KeyboardInterrupt(line)

    with pytest.raises(KeyboardInterrupt, match="line"):
        process.run(["sh", "-c", f"echo $$ > {pid}; echo line; sleep 600"], timeout=300, on_line=refuse)
    _await_end(_number_in(pid))


def test_lines_and_log_stream_while_the_program_runs(tmp_path: Path) -> None:
    log, go = tmp_path / "log", tmp_path / "go"
    log.write_text("earlier\n")
    lines: list[str] = []

    def see(line: str) -> None:
        lines.append(line)
        if line == "one":  # the program waits for the file, so this line must come while it runs
            assert log.read_text().endswith("one\n")
            go.touch()

    wait_for_go = f"while ! [ -e {go} ]; do sleep 0.02; done"
    done = process.run(
        ["sh", "-c", f"echo one; {wait_for_go}; echo two >&2; printf three"], timeout=60, log=log, on_line=see
    )
    assert lines == ["one", "two", "three"]
    assert log.read_text() == "earlier\none\ntwo\nthree"
    assert (done.stdout, done.stderr) == ("one\ntwo\nthree", "")


def test_a_spawned_program_leads_a_group_of_its_own_and_writes_to_its_log(tmp_path: Path) -> None:
    log = tmp_path / "log"
    child = process.spawn(["sh", "-c", "echo out; echo err >&2; exec sleep 60"], log=log)
    try:
        assert os.getpgid(child.pid) == child.pid == os.getsid(child.pid)
        wait_for(lambda: log.read_text() == "out\nerr\n", step=0.02, timeout=30)
    finally:
        process.kill_group(child.pid)
    assert child.wait(30) == -signal.SIGKILL
    process.kill_group(child.pid)  # gone: nothing happens


def test_a_spawned_program_keeps_the_descriptors_it_was_passed() -> None:
    reader, writer = os.pipe()
    child = process.spawn([sys.executable, "-S", "-c", f"import os; os.write({writer}, b'kept')"], pass_fds=(writer,))
    os.close(writer)
    with os.fdopen(reader) as stream:
        assert stream.read() == "kept"
    assert child.wait(30) == 0


def test_concurrent_programs_do_not_share_pipes() -> None:
    """A descriptor that one child inherits by mistake would keep another's output open until it ends."""
    slow = process.spawn(["sleep", "600"])
    results: list[float] = []

    def quick() -> None:
        results.append(process.run(["echo", "x"], timeout=300).duration)

    threads = [threading.Thread(target=quick) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    process.kill_group(slow.pid)
    slow.wait(30)
    assert len(results) == 8
    assert max(results) < 60
