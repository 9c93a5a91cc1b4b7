"""HDR histogram logs that tools write, read with the hdrhistogram library."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sdcm.stress.summary import UnreadableOutput

if TYPE_CHECKING:
    from hdrh.histogram import HdrHistogram

#: A day in nanoseconds, and the digits kept: as wide as the tools' own histograms.
_LOWEST, _HIGHEST, _DIGITS = 1, 86_400_000_000_000, 3
_MS_IN_NS = 1_000_000


@dataclass(frozen=True)
class Latencies:
    """A histogram over a whole run.

    Attributes:
        count: Operations in it.
        histogram: The library's histogram, in nanoseconds.
    """

    count: int
    histogram: "HdrHistogram"

    def percentile(self, percent: float) -> float:
        """Return the latency that so many percent of the operations kept, in milliseconds."""
        return float(self.histogram.get_value_at_percentile(percent)) / _MS_IN_NS

    @property
    def mean(self) -> float:
        """Mean latency in milliseconds."""
        return float(self.histogram.get_mean_value()) / _MS_IN_NS


def read_log(path: Path) -> Mapping[str, Latencies]:
    """Return what an HDR histogram log holds, its intervals added up.

    Args:
        path: The log; format: https://github.com/HdrHistogram/HdrHistogram, HistogramLogWriter.

    Returns:
        Tag (`WRITE-st`; empty for a log without tags) -> latencies. Intervals in which nothing was done count too.

    Raises:
        UnreadableOutput: It holds no interval.
    """
    from hdrh.histogram import HdrHistogram
    from hdrh.log import HistogramLogReader

    whole: dict[str, HdrHistogram] = {}
    reader = HistogramLogReader(str(path), HdrHistogram(_LOWEST, _HIGHEST, _DIGITS))
    try:
        while (interval := reader.get_next_interval_histogram()) is not None:
            tag = str(interval.get_tag() or "")
            if tag not in whole:
                whole[tag] = HdrHistogram(_LOWEST, _HIGHEST, _DIGITS)
            whole[tag].add(interval)
    except (ValueError, IndexError, OSError) as exc:
        raise UnreadableOutput(f"histogram log {path.name} cannot be read", why=str(exc)) from exc
    finally:
        reader.close()
    if not whole:
        raise UnreadableOutput(f"histogram log {path.name} cannot be read", why="it holds no interval")
    return {tag: Latencies(int(histogram.get_total_count()), histogram) for tag, histogram in whole.items()}
