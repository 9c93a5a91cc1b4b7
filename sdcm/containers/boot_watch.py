"""Whether a node that boots can still come up: its container runs, and its log tells of no end."""

import re
import time
from typing import TYPE_CHECKING

from sdcm.containers.flavours import Flavour
from sdcm.containers.inspection import log_tail, raise_if_ended, started_at
from sdcm.containers.readiness import NotReady
from sdcm.errors import EnvironmentFailed

if TYPE_CHECKING:
    from docker.models.containers import Container as EngineContainer

_LINES = 400
_LOOK_EVERY = 1.0
#: Seconds after its start-up in which a database may still make its superuser; it does so in the background.
_SUPERUSER_GRACE = 20.0


class BootWatch:
    """Looks at one node while somebody waits for it."""

    def __init__(self, container: "EngineContainer", flavour: Flavour) -> None:
        """Watch the node in a started container."""
        self._container = container
        self._flavour = flavour
        self._looked = 0.0
        self._up_since: float | None = None
        #: What the last try found.
        self.last: NotReady | None = None

    def check(self) -> None:
        """Do nothing while the node may still come up.

        Raises:
            EnvironmentFailed: It has ended, its log tells that its server has, or it is up and does not know its
                superuser.
        """
        raise_if_ended(self._container)
        now = time.monotonic()
        if not (self._flavour.ended_log or self._flavour.started_log) or now - self._looked < _LOOK_EVERY:
            return
        self._looked = now
        # What was written before a restart is of no account.
        log = log_tail(self._container, _LINES, since=started_at(self._container))
        if line := _line_with(self._flavour.ended_log, log):
            raise EnvironmentFailed(
                f"the server in node {self._container.name} ended while it booted", why=line, evidence=log
            )
        if self._up_since is None and _line_with(self._flavour.started_log, log):
            self._up_since = now
        refused = self.last is not None and self.last.bad_login
        if refused and self._up_since is not None and now - self._up_since >= _SUPERUSER_GRACE:
            raise EnvironmentFailed(
                f"node {self._container.name} is up and knows no superuser of ours",
                why=str(self.last),
                mend=self._flavour.without_superuser,
                evidence=log,
            )


def _line_with(pattern: str, log: str) -> str:
    """Return the first line of a log that has the pattern; empty when none has, or there is no pattern."""
    found = re.search(rf"^.*(?:{pattern}).*$", log, re.MULTILINE) if pattern else None
    return found.group().strip() if found else ""
