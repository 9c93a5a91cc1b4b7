"""Journals a failure of what serves the tests as a failed step: the run then ends as one of its environment."""

from contextlib import closing

from sdcm import journal as journals
from sdcm.errors import EnvironmentFailed, SctError
from sdcm.journal import Journal


def note_failure(journal: Journal, name: str, exc: Exception, seconds: float = 0.0) -> None:
    """Journal a failed step: the run ends as a failure of its environment, and says which step it was."""
    import traceback

    error = exc if isinstance(exc, SctError) else EnvironmentFailed(f"{name} failed", why=repr(exc))
    record = {**error.to_record(), "evidence": error.evidence or "".join(traceback.format_exception(exc))}
    journal.write("step-start", step=name)
    journal.write("step-end", step=name, status="failed", seconds=round(seconds, 3), error=record, log="", detail="")


def note_in_run(name: str, exc: Exception) -> None:
    """Journal a failed step of the run that this process belongs to, where it has a journal.

    A broker that is gone is passed over: whoever needs it tells of that.
    """
    from sdcm.broker.client import BrokerGone

    file = journals.of_this_run()
    if file is not None and not isinstance(exc, BrokerGone):
        with closing(Journal(file)) as journal:
            note_failure(journal, name, exc)
