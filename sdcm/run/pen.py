"""Turns rows of the live display into what a terminal takes, with or without colours; loads rich when it is made."""

from typing import TYPE_CHECKING

from sdcm.reporters.live import LiveRun
from sdcm.reporters.live_rows import Size, rows

if TYPE_CHECKING:
    from rich.text import Text


#: Ends a line that has no room for its rest.
_MORE = ".."


class Pen:
    """Writes rows."""

    def __init__(self, *, coloured: bool) -> None:
        """Write with the sixteen colours of every terminal, which the user has chosen, or with none."""
        from io import StringIO

        from rich.console import Console

        self._console = Console(
            file=StringIO(), force_terminal=True, color_system="standard" if coloured else None, width=10_000
        )
        self._coloured = coloured

    def rows(self, live: LiveRun, now: float, size: Size) -> list[str]:
        """Return the live rows of a run; see `sdcm.reporters.live_rows.rows`."""
        return [self._write(row) for row in rows(live, now, size)]

    def line(self, unfinished: str, size: Size) -> str:
        """Return as much of an unfinished line as has room in the terminal."""
        from rich.text import Text

        if not unfinished.strip():
            return ""
        text = Text.from_ansi(unfinished, no_wrap=True)
        room = max(0, size.columns - 1)
        if text.cell_len > room:
            text.truncate(max(0, room - len(_MORE)))
            text.append(_MORE[:room])
        return self._write(text)

    def _write(self, text: "Text") -> str:
        if not self._coloured:
            return text.plain
        with self._console.capture() as capture:
            self._console.print(text, end="", soft_wrap=True, highlight=False, markup=False)
        return capture.get()
