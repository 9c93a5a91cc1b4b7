"""The pause between collecting and running, from pytest's side."""

import io
import json
import os
import socket
from types import SimpleNamespace

import pytest

from sdcm.broker.protocol import COLLECTED
from sdcm.pytest_plugin.going_on import Pause


@pytest.fixture
def places(tmp_path):
    """The runner's end of the line, a pause, and its two files: the log, and what standard error is later."""
    ours, theirs = socket.socketpair()
    files = [tmp_path / "log", tmp_path / "stderr"]
    log, stderr = (os.open(file, os.O_WRONLY | os.O_CREAT) for file in files)
    with ours:
        yield ours, Pause(theirs.detach(), stderr, log), *files


def held(pause):
    """Let the pause hold a writer that has said a header and of what was collected; return its file."""
    seen = io.StringIO()
    writer = SimpleNamespace(_file=seen)
    pause.hold(writer)
    writer._file.write("header\n")
    pause.header_is_over()
    writer._file.write("collected 1 item\n")
    return seen


def test_it_tells_and_goes_on_with_what_the_runner_adds(places, monkeypatch):
    runner, pause, *_ = places
    monkeypatch.setenv("SCT_BROKER", "")
    runner.sendall(json.dumps({"go": True, "environ": {"SCT_BROKER": "socket"}}).encode() + b"\n")

    assert pause.goes_on()

    assert runner.recv(100) == COLLECTED
    assert os.environ["SCT_BROKER"] == "socket"


@pytest.mark.parametrize("answer", [b'{"go": false}\n', b""])
def test_it_ends_where_the_runner_says_so_or_is_gone(places, answer):
    runner, pause, *_ = places
    runner.sendall(answer)
    runner.shutdown(socket.SHUT_WR)

    assert not pause.goes_on()


def test_what_was_held_back_comes_out_and_all_of_standard_error_turns(places):
    _, pause, log, stderr = places
    seen = held(pause)
    first = os.open(log, os.O_WRONLY | os.O_APPEND)
    second = os.dup(first)
    os.write(first, b"while collecting\n")
    assert seen.getvalue() == ""

    pause.release()

    os.write(first, b"one ")
    os.write(second, b"two")
    os.close(first)
    os.close(second)
    assert seen.getvalue() == "header\ncollected 1 item\n"
    assert (log.read_text(), stderr.read_text()) == ("while collecting\n", "one two")


def test_of_what_could_not_be_collected_all_but_the_header_is_told(places, capsys):
    _, pause, *_ = places
    seen = held(pause)

    pause.tell()

    assert capsys.readouterr().err == "collected 1 item\n"
    assert seen.getvalue() == ""


def test_a_reporter_of_another_make_is_let_be(places):
    _, pause, *_ = places
    pause.hold(SimpleNamespace())
    pause.header_is_over()
    pause.tell()
