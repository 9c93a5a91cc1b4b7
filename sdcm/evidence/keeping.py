"""Writes the evidence of one failed test down: folder, index, and a record for the journal."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from sdcm.evidence.findings import BACKGROUND, SEEN_DOWN, Gathered, Piece
from sdcm.evidence.folder import INDEX, EvidenceFolder
from sdcm.evidence.index import Failed, course, index_of, own_moments
from sdcm.evidence.log_lines import shown


def keep(
    root: Path,
    failed: Failed,
    gathered: Gathered,
    own: Sequence[Piece],
    redact: Callable[[str], str],
) -> dict[str, Any]:
    """Write it down.

    Args:
        root: Folder of the run's reports.
        failed: The test.
        gathered: What was found; the test's own moments and pieces are added.
        own: What the test's own process has to add: the failure, its output.
        redact: Takes the secrets out of a text.

    Returns:
        The record: `test`, `worker`, `phase`, `folder` (below `root`), `line` (the most telling one that the failure
        itself does not say; may be empty), `files`.

    Raises:
        OSError: Nothing can be written there.
    """
    gathered.found += [*own_moments(failed), *own]
    gathered.found.append(Piece("course.txt", "what happened, in order", course(gathered, failed.started), BACKGROUND))
    folder = EvidenceFolder(root, failed.test, redact)
    for piece in gathered.pieces():
        folder.write(piece.file, piece.what, piece.text)
    index = folder.write(
        INDEX, "read this first", index_of(failed, gathered, folder.kept, folder.left_out), always=True
    )
    files = [*([index] if index else []), *(each for each in folder.kept if each is not index)]
    # Beside an assertion of the test's own a line that merely complains tells little.
    telling = gathered.telling(SEEN_DOWN if failed.kind == "test" else 0)
    return {
        "test": failed.test,
        "worker": failed.worker,
        "phase": failed.phase,
        "folder": folder.name,
        "line": redact(shown(telling[0])) if telling else "",
        "files": [each.to_record() for each in files],
    }
