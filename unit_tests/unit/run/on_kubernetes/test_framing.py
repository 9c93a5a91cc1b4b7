"""Bytes through the log of a pod: whole, in order, once, however often and however torn the log is read."""

import random

import pytest

from sdcm.run.on_kubernetes.framing import FrameReader, FrameWriter, Kind

#: Bytes at which container runtimes cut a line.
CUT = 16 * 1024


def noise(size):
    return random.Random(size).randbytes(size)


def carried(lines, kind=Kind.JOURNAL, reader=None):
    reader = reader or FrameReader()
    frames = [frame for line in lines if (frame := reader.frame(line)) is not None]
    return b"".join(frame.data for frame in frames if frame.kind == kind)


@pytest.mark.parametrize(
    "data", [b"", b"x", b"a line\n" * 20_000, noise(300_000)], ids=["none", "one", "text", "noise"]
)
def test_what_is_sent_arrives_in_lines_that_nobody_cuts(data):
    lines = list(FrameWriter().lines(Kind.JOURNAL, data))
    assert carried(lines) == data
    assert max(map(len, lines)) < CUT
    assert not any("\n" in line for line in lines)


def test_kinds_are_told_apart_and_other_lines_are_nobody_s():
    writer = FrameWriter()
    lines = [*writer.lines(Kind.JOURNAL, b"one"), "Traceback (most recent call last):", "sct-shard is a word"]
    lines += [*writer.lines(Kind.FILES, b"two"), *writer.lines(Kind.JOURNAL, b" more")]
    assert carried(lines) == b"one more"
    assert carried(lines, Kind.FILES) == b"two"
    assert [FrameReader.is_frame(line) for line in lines[:2]] == [True, False]


def test_a_log_that_is_read_again_gives_only_what_is_new():
    lines = list(FrameWriter().lines(Kind.JOURNAL, noise(200_000)))
    reader = FrameReader()
    torn = [*lines[:4], lines[4][:-30]]
    first = carried(torn, reader=reader)
    assert first + carried(lines, reader=reader) == noise(200_000)
    assert not reader.gap


def test_lines_that_the_node_has_thrown_away_are_missed():
    lines = list(FrameWriter().lines(Kind.JOURNAL, noise(200_000)))
    reader = FrameReader()
    carried([*lines[:2], *lines[3:]], reader=reader)
    assert reader.gap
    assert reader.expected == 2
