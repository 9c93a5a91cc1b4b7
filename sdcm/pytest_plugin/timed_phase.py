"""What the clock of a process knows of the thing that has a deadline now."""

from dataclasses import dataclass


@dataclass
class Phase:
    """Something with a deadline that the main thread is at.

    Attributes:
        test: Node id of the test.
        what: What it is, for the message.
        left: Seconds left when its clock last began to run.
        since: When that was, monotonic; None while it stands still.
        due: When the next stage comes; None while the clock stands still.
        stage: How many stages it has been through.
        heard: How many of them the main thread has heard of.
        message: Why it is ended.
        blame: Class of the failure, where the run's request to stop ended it.
        stacks: What all threads were doing when it was.
    """

    test: str
    what: str
    left: float
    since: float | None = None
    due: float | None = None
    stage: int = 0
    heard: int = 0
    message: str = ""
    blame: str = ""
    stacks: str = ""
    pauses: int = 0
