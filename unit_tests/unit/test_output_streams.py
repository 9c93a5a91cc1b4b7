"""Standard streams that never fail."""

import io
import os
import sys
from pathlib import Path

import pytest

from sdcm import output_streams


def _stream(descriptor: int) -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BufferedWriter(output_streams.Output(descriptor, "w", closefd=False)), encoding="utf-8")


def test_what_is_written_arrives(tmp_path: Path) -> None:
    with (tmp_path / "file").open("wb") as file:
        stream = _stream(file.fileno())
        print("word", file=stream, flush=True)
    assert (tmp_path / "file").read_text() == "word\n"


def test_what_nobody_takes_is_dropped_and_told(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = os.pipe()
    os.close(ours)
    stream = _stream(theirs)
    monkeypatch.setattr(sys, "stdout", stream)
    assert output_streams.lost() is None
    for _ in range(3):
        print("word" * 10_000, file=stream, flush=True)
    assert isinstance(output_streams.lost(), BrokenPipeError)
    os.close(theirs)


def test_a_stream_that_is_captured_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    captured = io.StringIO()
    monkeypatch.setattr(sys, "stdout", captured)
    output_streams.keep_going()
    assert sys.stdout is captured
    assert output_streams.lost() is None
