"""What the node pool needs of others: who boots nodes, and who looks after those that stand idle."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from sdcm.broker.asking import Asking
from sdcm.broker.protocol import NodeRequest
from sdcm.containers.records import NodeRecord

if TYPE_CHECKING:
    from sdcm.containers.pristine import State


class Maker(Protocol):
    """What boots nodes."""

    def make(
        self,
        request: NodeRequest,
        test: str,
        asking: Asking,
        *,
        holds_others: bool,
        room_deadline: float = ...,
        unless: Callable[[], bool] = ...,
        admitted: Callable[[], None] = ...,
    ) -> tuple[NodeRecord, Callable[[], None]]:
        """Boot a node; return it and a function that takes it away."""

    def require(self, request: NodeRequest) -> None:
        """Check that a node of that kind has what the test asks of it."""


class Care(Protocol):
    """What looks after nodes; see `NodeCare`."""

    def can_restore(self, node: NodeRecord) -> bool:
        """Return whether the node can be put back."""

    def look(self, node: NodeRecord) -> "State":
        """Return what must be known before the first test."""

    def put_back(self, node: NodeRecord, state: "State", *, wanted: Callable[[], bool]) -> str:
        """Put it back, and hold it still unless it is wanted; return why not."""

    def rest(self, node: NodeRecord) -> str:
        """Hold it still; return why not."""

    def wake(self, node: NodeRecord) -> str:
        """Let it go on; return why not."""
