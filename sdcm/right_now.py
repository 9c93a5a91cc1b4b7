"""A file that asks every process of a run what it is doing, and the folder for their answers.

A file and no signal, as with `stop_flag`: no test's own handlers are in the way, and a process number that has changed
hands does nobody harm.
"""

import os
from pathlib import Path

FOLDER = "right-now"
#: What the pytest process that starts workers answers as; it runs no test itself.
CONTROLLER = "controller"
_ASKED = "asked"


class RightNow:
    """The questions of one run."""

    def __init__(self, state: Path) -> None:
        """Name the folder in a run's state directory; nothing is made."""
        self._folder = state / FOLDER

    def ask(self) -> int:
        """Ask all processes; return the question's number, 1 or more."""
        number = self.asked() + 1
        self._folder.mkdir(exist_ok=True, mode=0o700)
        _write(self._folder / _ASKED, str(number))
        return number

    def asked(self) -> int:
        """Return the number of the last question; 0: nobody has asked."""
        try:
            return int((self._folder / _ASKED).read_text())
        except (OSError, ValueError):
            return 0

    def answer(self, number: int, who: str, text: str) -> None:
        """Answer a question; a folder that is gone, or full, is no harm to who answers."""
        try:
            _write(self._folder / f"{number}-{who}.txt", text)
        except OSError:
            return

    def answers(self, number: int) -> dict[str, str]:
        """Return what was answered so far, by who did."""
        files = sorted(self._folder.glob(f"{number}-*.txt"))
        return {file.stem.partition("-")[2]: file.read_text(errors="replace") for file in files}


def _write(file: Path, text: str) -> None:
    """Write a file that appears whole."""
    temporary = file.with_name(f"{file.name}.{os.getpid()}.part")
    temporary.write_text(text)
    temporary.replace(file)
