"""Programs that are put into the cache whole or not at all, whoever else is doing the same."""

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO


@contextlib.contextmanager
def appearing(target: Path) -> Iterator[IO[bytes]]:
    """Give a file to write; it appears at `target`, executable, when the block ends without an error."""
    target.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}-")
    part = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
        part.chmod(0o755)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
