"""What a rule says about a place in a file."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Edit:
    """One replacement in a file's text.

    Attributes:
        line: First line that goes, from 1.
        column: Character of that line at which the new text starts, from 0.
        end_line: Line on which the old text ends.
        end_column: Character of that line after the old text.
        text: What stands there instead.
    """

    line: int
    column: int
    end_line: int
    end_column: int
    text: str


@dataclass(frozen=True)
class Finding:
    """A place that breaks a rule.

    Attributes:
        rule: The rule's id, such as `I08`.
        path: The file, as it was named to the linter.
        line: Line, from 1.
        message: What is wrong and what mends it.
        advice: Whether the rule only advises: it is shown and does not fail the command.
        edits: How `--fix` mends it; empty where that needs a person.
        needs_import: Module that the edits need to be imported.
    """

    rule: str
    path: str
    line: int
    message: str
    advice: bool = False
    edits: tuple[Edit, ...] = ()
    needs_import: str = ""

    def __str__(self) -> str:
        """Return the finding as one line that editors can jump to."""
        kind = " (advice)" if self.advice else ""
        return f"{self.path}:{self.line}: {self.rule}{kind} {self.message}"

    def to_record(self) -> dict[str, Any]:
        """Return the finding as JSON values."""
        return {
            "rule": self.rule,
            "path": self.path,
            "line": self.line,
            "message": self.message,
            "advice": self.advice,
            "fixable": bool(self.edits),
        }
