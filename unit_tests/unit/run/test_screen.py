"""Live rows below what scrolls, on an emulated terminal."""

import os
import threading
from collections.abc import Iterator

import pyte
import pytest

from sdcm.reporters.live_rows import Size
from sdcm.run.relay import Relay
from sdcm.run.screen import AnsiPainter, Lines, LinesFile, PlainPainter, Screen


class Picture:
    """What a terminal shows of all that was written to a pipe."""

    def __init__(self) -> None:
        self._read, self.descriptor = os.pipe()
        os.set_blocking(self._read, False)
        self.raw = b""
        self.screen = pyte.HistoryScreen(20, 6, history=1000, ratio=1)
        # A terminal makes a new line of a line feed; the emulator wants to be told.
        self.screen.set_mode(pyte.modes.LNM)
        self._stream = pyte.ByteStream(self.screen)

    def shown(self) -> list[str]:
        """Return the lines of the screen down to the last that is not blank."""
        try:
            while data := os.read(self._read, 65_536):
                self.raw += data
                self._stream.feed(data)
        except BlockingIOError:
            pass
        rows = [row.rstrip() for row in self.screen.display]
        while rows and not rows[-1]:
            rows.pop()
        return rows

    def scrolled(self) -> list[str]:
        """Return what is above the screen."""
        self.shown()
        return ["".join(row[place].data for place in range(20)).rstrip() for row in self.screen.history.top]

    def close(self) -> None:
        """Close the pipe."""
        os.close(self._read)
        os.close(self.descriptor)


@pytest.fixture
def picture() -> Iterator[Picture]:
    """A terminal of 20 columns and 6 lines."""
    shown = Picture()
    yield shown
    shown.close()


def test_lines_scroll_above_the_live_rows(picture: Picture) -> None:
    screen = Screen(picture.descriptor, AnsiPainter())
    screen.show(["step", "status 1"])
    assert picture.shown() == ["step", "status 1"]
    for number in range(8):
        screen.put(f"line {number}\n".encode())
    assert picture.shown() == ["line 4", "line 5", "line 6", "line 7", "step", "status 1"]
    screen.show(["status 2"])
    assert picture.shown() == ["line 4", "line 5", "line 6", "line 7", "status 2"]
    screen.close()
    assert picture.shown() == ["line 4", "line 5", "line 6", "line 7"]
    assert picture.scrolled() == ["line 0", "line 1", "line 2", "line 3"]
    assert picture.screen.cursor.x == 0


def test_an_unfinished_line_is_shown_and_goes_with_the_next_that_is_put(picture: Picture) -> None:
    screen = Screen(picture.descriptor, AnsiPainter())
    lines = Lines(screen)
    lines.write(b"one\nbring\rcoll")
    screen.show(["status"], lines.unfinished)
    assert picture.shown() == ["one", "coll", "status"]
    lines.write(b"ected\ntwo")
    assert picture.shown() == ["one", "collected", "status"]
    screen.show(["status"], lines.unfinished)
    assert picture.shown() == ["one", "collected", "two", "status"]
    lines.close()
    assert picture.shown() == ["one", "collected", "two", "status"]
    screen.close()
    assert picture.shown() == ["one", "collected", "two"]


def test_what_a_resize_made_of_the_rows_is_taken_away(picture: Picture) -> None:
    screen = Screen(picture.descriptor, AnsiPainter())
    screen.put(b"above\n")
    screen.show(["a status of 19 cols"])
    picture.shown()
    # A terminal that was made narrower puts the end of the row on a line of its own; the cursor stays at its start.
    picture.screen.cursor_down(1)
    picture.screen.draw("of 19 cols")
    picture.screen.cursor_up(1)
    picture.screen.carriage_return()
    screen.show(["status"])
    assert picture.shown() == ["above", "status"]


def test_without_control_sequences_the_status_alone_is_drawn(picture: Picture) -> None:
    screen = Screen(picture.descriptor, PlainPainter())
    screen.show(["step", "a long status"])
    assert picture.shown() == ["a long status"]
    screen.show(["step", "short"])
    assert picture.shown() == ["short"]
    screen.put(b"line\n")
    assert picture.shown() == ["line", "short"]
    screen.close()
    assert picture.shown() == ["line"]
    assert b"\x1b" not in picture.raw


def test_what_is_drawn_already_is_not_drawn_again(picture: Picture) -> None:
    screen = Screen(picture.descriptor, AnsiPainter())
    screen.show(["status"])
    picture.shown()
    drawn = picture.raw
    screen.show(["status"])
    picture.shown()
    assert picture.raw == drawn
    screen.redraw()
    assert picture.shown() == ["status"]
    assert picture.raw != drawn


def test_an_endless_line_is_written_in_parts(picture: Picture) -> None:
    lines = Lines(Screen(picture.descriptor, AnsiPainter()))
    lines.write(b"x" * 50_000)
    assert picture.shown() == []
    writer = threading.Thread(target=lines.write, args=(b"x" * 50_000,))
    writer.start()
    while writer.is_alive():
        picture.shown()
    picture.shown()
    assert picture.raw.count(b"x") == 100_000


def test_a_terminal_that_is_gone_changes_nothing() -> None:
    ours, theirs = os.pipe()
    os.close(ours)
    screen = Screen(theirs, AnsiPainter())
    screen.show(["status"])
    screen.put(b"line\n")
    screen.close()
    assert screen.size == Size(80, 24)
    os.close(theirs)


def test_what_this_process_prints_comes_in_whole_lines(picture: Picture) -> None:
    screen = Screen(picture.descriptor, AnsiPainter())
    screen.show(["status"])
    lines = Lines(screen)
    with LinesFile(lines, picture.descriptor) as file:
        print("one", end="", file=file)
        assert picture.shown() == ["status"]
        print(" two", file=file)
    assert picture.shown() == ["one two", "status"]


def test_a_relay_hands_on_what_is_written_up_to_the_end(picture: Picture) -> None:
    lines = Lines(Screen(picture.descriptor, AnsiPainter()))
    with Relay(lines, Size(33, 7)) as relay:
        theirs = os.dup(relay.descriptor)
        assert os.isatty(theirs)
        assert os.get_terminal_size(theirs) == (33, 7)
        relay.start()
        relay.resize(Size(44, 8))
        assert os.get_terminal_size(theirs) == (44, 8)
        os.write(theirs, b"one\ntwo\nthr")
        os.write(theirs, b"ee\nlast")
    # Somebody else still has the other end open: what comes later is for nobody.
    os.close(theirs)
    assert picture.shown() == ["one", "two", "three", "last"]
