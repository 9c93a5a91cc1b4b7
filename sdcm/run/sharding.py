"""This machine's share of a run that several machines do together."""

import os
from dataclasses import replace
from typing import TYPE_CHECKING

from sdcm.redaction import Redactor
from sdcm.run import report
from sdcm.run.selection import SELECTION_FILE, Selection
from sdcm.scheduling import durations, shards
from sdcm.services import selected

if TYPE_CHECKING:
    from sdcm.run.pipeline import Run


def take_share(run: "Run", chosen: Selection, shard: shards.Shard) -> Selection:
    """Return the share, and write it where scheduler and workers read the selection.

    What all machines must have in common, the tests and the durations they are split by, goes into the
    journal as a digest. All shares are written down: of a shard that is lost it is then known what it had to run.

    Raises:
        UsageProblem: The durations file is none; a split by other durations would lose and repeat tests.
    """
    known = durations.seconds_by_test(durations.read(durations.file_to_read(run.project, run.places, run.environ)))
    shares = shards.share(chosen.tests, shard.count, known)
    # Whoever merges holds the names against those in journals.
    shares.as_told(Redactor(os.environ).text).write(run.state / shards.SHARES_FILE)
    mine = shares.of(shard, chosen.tests)
    selected.write(run.state / SELECTION_FILE, mine)
    expected = sum(unit.seconds for unit in shards.alike_units(mine, known))
    digest = shares.digest
    run.journal.write(
        "shard", shard=str(shard), tests=len(mine), of=len(chosen.tests), expected=round(expected, 1), digest=digest
    )
    if run.options.verbosity >= 0 and not run.options.as_json:
        report.say(
            f"  {'shard ' + str(shard):<16} {len(mine)} of {len(chosen.tests)} tests, about {expected:.0f} s of them; "
            f"split {digest}, the same on every machine"
        )
    return replace(chosen, tests=mine, shared=len(chosen.tests))
