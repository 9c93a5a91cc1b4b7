"""Brings the times of several machines onto one axis.

Durations are right whatever a clock says, for each is measured on one machine; only where they lie beside one another
depends on clocks. Two things are known for certain: no shard ended after it was merged, and a long stretch in which no
shard ran (a retry the day after, a clock that is a year behind) tells nothing of the run. The first is put right, the
second is cut out; smaller differences cannot be told from machines that began at different times, and stay.
"""

from collections.abc import Sequence

#: Seconds by which clocks that are kept right may differ.
_KEPT_RIGHT = 2.0
#: Seconds in which no shard ran, beyond which they are cut out.
GAP = 300.0


def shifts(spans: Sequence[tuple[float, float]], now: float) -> list[float]:
    """Return the seconds to add to each shard's times.

    Args:
        spans: First and last moment of each shard by its own clock, epoch seconds.
        now: This machine's clock.
    """
    found = [now - ended if ended > now + _KEPT_RIGHT else 0.0 for _, ended in spans]
    order = sorted(range(len(spans)), key=lambda place: spans[place][0] + found[place])
    cut, until = 0.0, None
    for place in order:
        started, ended = (moment + found[place] - cut for moment in spans[place])
        if until is not None and started - until > GAP:
            cut += started - until
            started, ended = until, ended - (started - until)
        until = ended if until is None else max(until, ended)
        found[place] -= cut
    return [round(shift, 3) for shift in found]
