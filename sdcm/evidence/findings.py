"""What is found out about a failed test, by whom, and within what time."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from sdcm.errors import SctError

#: Places in the order of interest; a lower one is read first.
FAILURE, ENDED, UNWELL, WELL, BACKGROUND = range(5)


@dataclass(frozen=True)
class Piece:
    """One file of evidence.

    Attributes:
        file: Its name.
        what: What is in it, a few words.
        text: Its content.
        place: Its place in the order of interest.
    """

    file: str
    what: str
    text: str
    place: int = WELL


@dataclass(frozen=True)
class Moment:
    """Something that happened during the test.

    Attributes:
        at: Epoch seconds.
        what: One line.
    """

    at: float
    what: str


@dataclass(frozen=True)
class Telling:
    """A line that may say why the test failed.

    Attributes:
        line: The line.
        weight: The highest is told first.
    """

    line: str
    weight: int


@dataclass(frozen=True)
class Held:
    """What the test had.

    Attributes:
        name: Its name.
        state: How it is.
        facts: Address, ports and the like.
    """

    name: str
    state: str
    facts: str = ""


Finding = Piece | Moment | Telling | Held
#: Weights of telling lines.
ENDED_ITSELF, NOT_RUNNING, SEEN_DOWN, COMPLAINED = 40, 30, 20, 10


@dataclass(frozen=True)
class Source:
    """Somebody to ask.

    Attributes:
        name: What messages call it.
        read: Yields what it finds; is told the moment (monotonic) by which it should be done.
    """

    name: str
    read: Callable[[float], Iterator[Finding]]


@dataclass
class Gathered:
    """All that was found in time.

    Attributes:
        found: The findings.
        missing: Who gave nothing, or not all, and why.
    """

    found: list[Finding] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)

    def pieces(self) -> list[Piece]:
        """Return the files, the most interesting first."""
        return sorted((each for each in self.found if isinstance(each, Piece)), key=lambda piece: piece.place)

    def moments(self) -> list[Moment]:
        """Return what happened, in its order."""
        return sorted((each for each in self.found if isinstance(each, Moment)), key=lambda moment: moment.at)

    def held(self) -> list[Held]:
        """Return what the test had, by name."""
        return sorted((each for each in self.found if isinstance(each, Held)), key=lambda held: held.name)

    def telling(self, least: int = 0) -> list[str]:
        """Return the telling lines of that weight at least, the best first."""
        lines = (each for each in self.found if isinstance(each, Telling) and each.weight >= least)
        return list(dict.fromkeys(each.line for each in sorted(lines, key=lambda each: -each.weight)))


def gather(sources: Iterable[Source], seconds: float) -> Gathered:
    """Ask all sources at once, for as long as it may take; what comes later is not waited for.

    Args:
        sources: Whom to ask.
        seconds: For all of them together.
    """
    end = time.monotonic() + seconds
    asked = [_Asked(source, end) for source in sources]
    gathered = Gathered()
    for each in asked:
        each.thread.join(max(0.0, end - time.monotonic()))
        gathered.found += each.so_far()
        if each.thread.is_alive():
            gathered.missing.append(f"{each.name}: not all was there within {seconds:g} s")
        elif each.error:
            gathered.missing.append(f"{each.name}: {each.error}")
    return gathered


class _Asked:
    """One source, asked in a thread of its own."""

    def __init__(self, source: Source, end: float) -> None:
        self.name = source.name
        self.error = ""
        self._found: list[Finding] = []
        self.thread = threading.Thread(target=self._ask, args=(source, end), name="sct-evidence", daemon=True)
        self.thread.start()

    def so_far(self) -> Sequence[Finding]:
        return tuple(self._found)

    def _ask(self, source: Source, end: float) -> None:
        try:
            for finding in source.read(end):
                self._found.append(finding)
        except SctError as exc:
            self.error = str(exc)
        except Exception as exc:  # noqa: BLE001 - evidence must never hide the failure it is for
            self.error = repr(exc)
