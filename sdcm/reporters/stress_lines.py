"""Stress tools while they run, as few words: one line a run now and then, and one at its end.

latte l1-c0     mixed 7375 op/s, 99th 45.7 ms
latte l1-c0     done: op rate 7412 op/s, latency mean 15.722 ms
"""

from sdcm.reporters.fields import Record, number, text

#: Seconds between two lines of one run.
PACE = 10.0
_SHOWN = (("ops", "{:.0f} op/s"), ("lat_mean", "mean {:.3g} ms"), ("lat_perc_99", "99th {:.3g} ms"))


class StressLines:
    """Says which of a journal's `stress` records are worth a line."""

    def __init__(self) -> None:
        """Start with no run."""
        self._printed: dict[str, float] = {}

    def feed(self, record: Record) -> tuple[str, str] | None:
        """Return run and words for a record, None when it is not worth a line."""
        run, state, at = text(record, "run"), text(record, "state"), number(record, "at")
        if state == "started":
            self._printed[run] = at
            return None
        if state != "running":
            self._printed.pop(run, None)
            told = text(record, "text")
            return run, f"{state}: {told}" if told else state
        if at - self._printed.get(run, 0.0) < PACE:
            return None
        self._printed[run] = at
        values = record.get("values")
        told_values = values if isinstance(values, dict) else {}
        shown = (form.format(float(told_values[kind])) for kind, form in _SHOWN if kind in told_values)
        return run, f"{text(record, 'operation')} {', '.join(shown)}"
