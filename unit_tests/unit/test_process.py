"""Running programs: real child processes, none of which outlives its time."""

import os
import signal
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from sdcm import process
from sdcm.exit_codes import ExitCode
from sdcm.process import CommandFailed, CommandTimedOut


def _gone(pid: int, within: float = 5.0) -> bool:
    """Whether a process ends (a zombie has ended) within some seconds."""
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.02)
    return False


def _number_in(path: Path) -> int:
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        if path.exists() and path.read_text().endswith("\n"):
            return int(path.read_text())
        time.sleep(0.02)
    raise AssertionError(f"nothing was written to {path}")


def test_output_status_and_time_come_back() -> None:
    done = process.run(["sh", "-c", "echo out; echo err >&2"], timeout=10)
    assert (done.stdout, done.stderr, done.exit_status, done.ok) == ("out\n", "err\n", 0, True)
    assert done.argv == ("sh", "-c", "echo out; echo err >&2")
    assert 0 < done.duration < 10


def test_paths_are_arguments_and_no_shell_reads_them(tmp_path: Path) -> None:
    odd = tmp_path / "a b; echo $HOME"
    odd.write_text("text")
    assert process.run(["cat", odd], timeout=10).stdout == "text"


@pytest.mark.parametrize("given", ["text", b"text"])
def test_input_reaches_the_program_and_otherwise_there_is_none(given: str | bytes) -> None:
    assert process.run(["cat"], timeout=10, input=given).stdout == "text"
    assert process.run(["cat"], timeout=10).stdout == ""


def test_input_and_output_larger_than_a_pipe_do_not_block(tmp_path: Path) -> None:
    big = "x" * 1_000_000 + "\n"
    assert process.run(["cat"], timeout=20, input=big).stdout == big
    assert process.run(["cat"], timeout=20, input=big, log=tmp_path / "log").stdout == big
    assert process.run(["true"], timeout=20, input=big).ok


def test_environment_and_folder_are_those_given(tmp_path: Path) -> None:
    done = process.run(
        ["/bin/sh", "-c", "pwd; echo $ONLY; echo ${HOME:-none}"], timeout=10, env={"ONLY": "1"}, cwd=tmp_path
    )
    assert done.stdout.split() == [str(tmp_path.resolve()), "1", "none"]


def test_bytes_that_are_no_text_are_replaced() -> None:
    assert process.run(["printf", r"a\377b"], timeout=10).stdout == "a\ufffdb"


def test_another_status_is_an_error_with_the_last_line_and_the_log_as_evidence() -> None:
    with pytest.raises(CommandFailed) as caught:
        process.run(["sh", "-c", "echo first; echo the reason >&2; exit 3"], timeout=10)
    assert str(caught.value).endswith("ended with status 3: the reason")
    assert caught.value.evidence.splitlines() == ["first", "", "the reason"]
    assert caught.value.result is not None
    assert caught.value.result.exit_status == 3
    assert caught.value.exit_code is ExitCode.ENVIRONMENT_FAILED


def test_the_evidence_is_the_end_of_a_long_output() -> None:
    with pytest.raises(CommandFailed) as caught:
        process.run(["sh", "-c", "seq 1000; exit 1"], timeout=10)
    assert caught.value.evidence.splitlines() == [str(number) for number in range(961, 1001)]


def test_unchecked_a_status_or_signal_is_a_result() -> None:
    assert process.run(["sh", "-c", "exit 3"], timeout=10, check=False).exit_status == 3
    assert process.run(["sh", "-c", "kill -TERM $$"], timeout=10, check=False).exit_status == -signal.SIGTERM


def test_a_program_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(CommandFailed, match="cannot run no-such-program: No such file"):
        process.run(["no-such-program"], timeout=10)
    with pytest.raises(CommandFailed, match="cannot run no-such-program"):
        process.spawn(["no-such-program"], log=tmp_path / "log")


@pytest.mark.parametrize("merged", [False, True])
def test_a_timeout_kills_the_whole_process_group(tmp_path: Path, merged: bool) -> None:
    grandchild = tmp_path / "pid"
    start = time.monotonic()
    with pytest.raises(CommandTimedOut, match=r"did not end within 0\.8 s") as caught:
        process.run(
            ["sh", "-c", f"sleep 60 & echo $! > {grandchild}; echo working; wait"],
            timeout=0.8,
            log=tmp_path / "log" if merged else None,
        )
    assert time.monotonic() - start < 5
    assert caught.value.evidence == "working"
    assert _gone(_number_in(grandchild))


def test_a_grandchild_that_left_the_group_cannot_hold_the_caller(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "_GRACE", 0.2)
    script = tmp_path / "leave.py"
    script.write_text(
        "import os,time\nif os.fork() == 0:\n os.setsid()\n print(os.getpid(), flush=True)\n time.sleep(60)\n"
    )
    start = time.monotonic()
    done = process.run([sys.executable, "-S", script], timeout=2)
    assert time.monotonic() - start < 10
    assert done.ok
    os.kill(int(done.stdout), signal.SIGKILL)


def test_an_error_of_the_line_callback_ends_the_program(tmp_path: Path) -> None:
    pid = tmp_path / "pid"

    def refuse(line: str) -> None:
        raise KeyboardInterrupt(line)

    with pytest.raises(KeyboardInterrupt, match="line"):
        process.run(["sh", "-c", f"echo $$ > {pid}; echo line; sleep 60"], timeout=30, on_line=refuse)
    assert _gone(_number_in(pid))


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
        ["sh", "-c", f"echo one; {wait_for_go}; echo two >&2; printf three"], timeout=10, log=log, on_line=see
    )
    assert lines == ["one", "two", "three"]
    assert log.read_text() == "earlier\none\ntwo\nthree"
    assert (done.stdout, done.stderr) == ("one\ntwo\nthree", "")


def test_a_spawned_program_leads_a_group_of_its_own_and_writes_to_its_log(tmp_path: Path) -> None:
    log = tmp_path / "log"
    child = process.spawn(["sh", "-c", "echo out; echo err >&2; exec sleep 60"], log=log)
    try:
        assert os.getpgid(child.pid) == child.pid == os.getsid(child.pid)
        deadline = time.monotonic() + 5
        while log.read_text() != "out\nerr\n" and time.monotonic() < deadline:
            time.sleep(0.02)
        assert log.read_text() == "out\nerr\n"
    finally:
        process.kill_group(child.pid)
    assert child.wait(5) == -signal.SIGKILL
    process.kill_group(child.pid)  # gone: nothing happens


def test_a_spawned_program_keeps_the_descriptors_it_was_passed() -> None:
    reader, writer = os.pipe()
    child = process.spawn([sys.executable, "-S", "-c", f"import os; os.write({writer}, b'kept')"], pass_fds=(writer,))
    os.close(writer)
    with os.fdopen(reader) as stream:
        assert stream.read() == "kept"
    assert child.wait(5) == 0


def test_concurrent_programs_do_not_share_pipes() -> None:
    """A descriptor that one child inherits by mistake would keep another's output open until it ends."""
    slow = process.spawn(["sleep", "60"])
    results: list[float] = []

    def quick() -> None:
        results.append(process.run(["echo", "x"], timeout=30).duration)

    threads = [threading.Thread(target=quick) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    process.kill_group(slow.pid)
    slow.wait(5)
    assert len(results) == 8
    assert max(results) < 10
