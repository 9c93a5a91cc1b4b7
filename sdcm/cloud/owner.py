"""Whose a cloud resource is: the tags (labels, metadata) that each carries, and the names that are the run's own."""

import re
import secrets
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass

from sdcm.ownership import labels

#: Further tags beside `labels.RUN`: who made it (user-visible name of the host), and when (epoch seconds).
HOST = "sct.host"
CREATED = "sct.created"
#: What the names of our resources begin with.
PREFIX = "sct-"


@dataclass(frozen=True)
class Owner:
    """Who makes resources.

    Attributes:
        run_id: The run.
        host: Name of its machine.
        created: When, in epoch seconds.
    """

    run_id: str
    host: str
    created: int

    @classmethod
    def of_run(cls, run_id: str) -> "Owner":
        """Return the owner that this machine is for a run, now."""
        return cls(run_id, socket.gethostname(), int(time.time()))

    @classmethod
    def from_tags(cls, tags: Mapping[str, str]) -> "Owner | None":
        """Return the owner that tags, in any of their spellings, tell of; None when they are not ours."""
        found = {key.replace("-", ".").replace("_", "."): value for key, value in tags.items()}
        created = found.get(CREATED, "")
        if labels.RUN not in found or not created.isdigit():
            return None
        return cls(found[labels.RUN], found.get(HOST, ""), int(created))

    def tags(self, joint: str = ".") -> dict[str, str]:
        """Return the tags of a resource.

        Args:
            joint: What stands in a key where a cloud allows no dot. With another one, values are reduced to what
                Google's labels may hold: lower-case letters, digits and dashes, 63 at most.
        """
        found = {labels.RUN: self.run_id, HOST: self.host, CREATED: str(self.created)}
        if joint == ".":
            return found
        return {key.replace(".", joint): _plain(value) for key, value in found.items()}

    def new_name(self, purpose: str) -> str:
        """Return a name that nothing else has: `sct-<run>-<purpose>-<6 hexadecimal digits>`, 50 characters at most.

        It is fit for buckets, containers, stacks and resource groups alike: lower-case letters, digits, dashes.
        """
        return f"{PREFIX}{self.run_id}-{_plain(purpose)[:28].strip('-') or 'test'}-{secrets.token_hex(3)}"


def _plain(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:63]
