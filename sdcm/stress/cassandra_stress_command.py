"""The command line of cassandra-stress: a command, then groups that begin with `-name`."""

import shlex
from dataclasses import dataclass

from sdcm.errors import UsageProblem

OPERATIONS = ("write", "read", "mixed", "counter_write", "counter_read", "counter_mixed", "user")


@dataclass
class StressCommand:
    """A command line, taken apart.

    Attributes:
        program: The tool.
        operation: What it does.
        parameters: What stands before the first group: `n=1000`, `cl=ONE`, `no-warmup`, ...
        groups: Group -> its parameters, in the order given: `-mode` -> `native`, `cql3`.
    """

    program: str
    operation: str
    parameters: list[str]
    groups: dict[str, list[str]]

    @classmethod
    def parse(cls, line: str) -> "StressCommand":
        """Take a command line apart.

        Raises:
            UsageProblem: It names no operation, or an unknown one.
        """
        program, *words = shlex.split(line)
        operation = words[0] if words else ""
        if operation not in OPERATIONS:
            raise UsageProblem(
                f"{program} knows no operation {operation!r}", why=f"it knows {', '.join(OPERATIONS)}", mend=line
            )
        parameters: list[str] = []
        groups: dict[str, list[str]] = {}
        current = parameters
        for word in words[1:]:
            if word.startswith("-"):
                current = groups.setdefault(word, [])
            else:
                current.append(word)
        return cls(program, operation, parameters, groups)

    def add(self, group: str, *parameters: str) -> None:
        """Add parameters to a group, made if need be; one whose key the user has set is left out."""
        there = self.groups.setdefault(group, [])
        keys = {word.partition("=")[0] for word in there}
        there.extend(word for word in parameters if word.partition("=")[0] not in keys)

    def __str__(self) -> str:
        words = [self.program, self.operation, *self.parameters]
        for group, parameters in self.groups.items():
            words += [group, *parameters]
        return shlex.join(words)
