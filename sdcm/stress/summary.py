"""What a stress tool says of its run at the end, typed."""

from collections.abc import Mapping
from typing import ClassVar

from sdcm.errors import SctError
from sdcm.exit_codes import ExitCode
from sdcm.stress.quantity import Quantity

#: Lines of an output that are shown when it cannot be read.
SHOWN_LINES = 20


class UnreadableOutput(SctError):
    """A tool ended well, yet its output has no summary that can be read."""

    exit_code: ClassVar[ExitCode] = ExitCode.TESTS_FAILED


class Summary(dict[str, str]):
    """The figures of one run of one tool: name -> digits, as the tool printed them.

    `summary["op rate"]` is text, `float(summary["op rate"])` a number; `quantities` has the units.

    Attributes:
        quantities: The figures with their units.
    """

    def __init__(self, quantities: Mapping[str, Quantity], **facts: str) -> None:
        """Hold `quantities`, and under further keys what is no figure (`status`, `loader_idx`)."""
        super().__init__({name: quantity.text for name, quantity in quantities.items()} | facts)
        self.quantities = dict(quantities)

    def number(self, name: str) -> float:
        """Return a figure in its own unit.

        Raises:
            KeyError: The tool did not give it.
        """
        return float(self.quantities[name])


def unreadable(tool: str, output: str, why: str) -> UnreadableOutput:
    """Return the error for an output without what a tool's summary must have; the output's end is its evidence."""
    lines = output.strip().splitlines()
    return UnreadableOutput(
        f"{tool}'s output cannot be read",
        why=why if lines else "it is empty",
        evidence="\n".join(lines[-SHOWN_LINES:]),
    )


def require(tool: str, output: str, quantities: Mapping[str, Quantity], names: tuple[str, ...]) -> None:
    """Check that the figures which every user of a tool counts on are there and are numbers.

    Raises:
        UnreadableOutput: One is missing or is none.
    """
    for name in names:
        if name not in quantities:
            raise unreadable(tool, output, f"it has no {name!r}")
        try:
            number = quantities[name].value
        except ValueError as exc:
            raise unreadable(tool, output, f"its {name!r}: {exc}") from exc
        if not number.is_finite():
            raise unreadable(tool, output, f"its {name!r} is {number}")
