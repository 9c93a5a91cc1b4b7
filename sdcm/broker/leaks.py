"""What tests leave on the engine: found by its event stream, named with its test, removed where it is ours.

An object is ours when it carries this run's label, or when it appeared without any on a private engine that no other
run uses. Anything else may be somebody else's: it is reported, and stays.
"""

import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from sdcm.broker.appearing import Appeared, EngineView
from sdcm.broker.asking import Asking
from sdcm.broker.defects import note_failure
from sdcm.broker.engine_events import EngineEvent, EngineEvents
from sdcm.broker.spans import Span, Spans
from sdcm.environment.engine import Engine
from sdcm.errors import EnvironmentFailed
from sdcm.journal import Journal
from sdcm.ownership import removers
from sdcm.ownership.ledger import Ledger

#: Seconds after a test's end that the engine may need to tell of what was created, and to finish what goes by itself.
_SETTLE = 1.0
_REMOVE_DEADLINE = 30.0
#: What a verdict that could not be given is journalled as, a step that failed.
STEP = "verdict on leaks"
_NOT_OURS = "not known to be this run's: whoever made it removes it"


class LeakWatch:
    """Watches one engine from when it is up until closed."""

    def __init__(self, run_id: str, spans: Spans, ledger: Ledger, journal: Journal) -> None:
        """Watch nothing yet.

        Args:
            run_id: The run whose label is ours.
            spans: Who made things when.
            ledger: Knows what the broker itself made; what is ours is written there too.
            journal: Where leaks are told of whose test's run has no journal of its own.
        """
        self._run_id = run_id
        self._spans = spans
        self._ledger = ledger
        self._journal = journal
        self._engine: Engine | None = None
        self._view: EngineView | None = None
        self._events: EngineEvents | None = None
        self._change = threading.Condition()
        self._appeared: dict[str, Appeared] = {}
        self._closed = False

    def watch_for(self, engine: Engine) -> None:
        """Be told of what happens on an engine."""
        self._engine = engine
        self._view = EngineView(engine, self._run_id, self._spans, self._ledger)

    def start(self, engine: Engine) -> None:
        """Begin to watch an engine, in the background."""
        self.watch_for(engine)
        self._events = EngineEvents(engine.endpoint, self._hear)
        threading.Thread(target=self._judge, name="leak-watch", daemon=True).start()

    def take(self, event: EngineEvent) -> None:
        """Take an event in; what has a known owner is passed over."""
        if not event.created:
            with self._change:
                gone = self._appeared.pop(event.id, None)
                self._change.notify_all()
            if gone is not None and gone.entry is not None:
                self._ledger.removed(gone.entry)
            return
        found = self._view.look(event) if self._view is not None else None
        if found is None:
            return
        # A builder's containers come and go by the dozen; they are told from others once they stay.
        if found.ours and not found.may_be_a_builders and self._engine is not None:
            found.entry = self._ledger.will_make(found.item.kind, found.item.id, **self._engine.facts())
        with self._change:
            self._appeared[event.id] = found
            self._change.notify_all()

    def settle(self, worker: str, deadline: float, asking: Asking) -> None:
        """Wait until there is a verdict on all that a worker's tests may have made.

        What a test of another worker may have made as well, which still runs, is that worker's to wait for.

        Args:
            worker: The worker, all of whose tests are over.
            deadline: Seconds to wait at most.
            asking: Given up when the worker is gone.
        """
        end = time.monotonic() + deadline
        time.sleep(_SETTLE / 2)  # what was created last may not have been heard of yet
        with asking.when_given_up(self._wake), self._change:
            self._change.notify_all()  # nobody else tells `_judge` of the end of tests
            while self._awaited(worker) and not self._closed and not asking.given_up:
                left = end - time.monotonic()
                if left <= 0:
                    return
                # Nobody tells of the end of another worker's test, either.
                self._change.wait(min(left, 1.0))

    def _awaited(self, worker: str) -> bool:
        return any(
            any(maker.worker == worker for maker in found.makers)
            and all(self._spans.over_since(maker) is not None for maker in found.makers)
            for found in self._appeared.values()
        )

    def _wake(self) -> None:
        with self._change:
            self._change.notify_all()

    def close(self) -> None:
        """Give the last verdicts, on what appeared outside of every test too, and stop."""
        with self._change:
            self._closed = True
            self._change.notify_all()
        if self._events is not None:
            self._events.close()
        with self._change:
            left, self._appeared = list(self._appeared.values()), {}
        # Without a private engine, what appeared outside of tests is nobody's business of ours.
        for found in _containers_first(left):
            if found.makers or found.ours:
                with self._journalled(found.item.name, found.makers):
                    self._conclude(found)

    def pending(self) -> list[Appeared]:
        """Return what awaits its verdict."""
        with self._change:
            return list(self._appeared.values())

    # -- verdicts --------------------------------------------------------------------------------------------

    def _hear(self, event: EngineEvent) -> None:
        with self._journalled(event.name, self._spans.makers(event.at)):
            self.take(event)

    def _judge(self) -> None:
        """Give each verdict when it is due."""
        with self._journalled("whatever tests have left", ()):
            while self._judge_once():
                pass

    def _judge_once(self) -> bool:
        """Give the verdicts that are due, else wait; return False once closed."""
        with self._change:
            if self._closed:
                return False
            due, wait = self.due(time.time())
            if not due:
                self._change.wait(wait)
        for found in _containers_first(due):
            with self._journalled(found.item.name, found.makers):
                self._conclude(found)
            with self._change:
                self._appeared.pop(found.item.id, None)
                self._change.notify_all()
        return True

    @contextmanager
    def _journalled(self, name: str, makers: Iterable[Span]) -> Iterator[None]:
        """Let a defect of ours cost one verdict, and the runs of those it is about their success."""
        try:
            yield
        except Exception as exc:  # noqa: BLE001 - the other verdicts are still to be given
            told = "".join(traceback.format_exception(exc))
            failure = EnvironmentFailed("the verdict on leaks is incomplete", why=f"{name}: {exc!r}", evidence=told)
            try:
                self._in_journals(makers, lambda journal: note_failure(journal, STEP, failure))
            except OSError:
                sys.stderr.write(told)  # the broker's own log, where there is room for nothing else

    def due(self, now: float) -> tuple[list[Appeared], float | None]:
        """Return what has outlived all who may have made it, else the seconds until the next look."""
        due, wait = [], None
        for found in self._appeared.values():
            if not found.makers:
                continue
            ends = [self._spans.over_since(maker) for maker in found.makers]
            if any(end is None for end in ends):
                # Nobody tells this thread of a span's end.
                wait = min(wait or 1.0, 1.0)
                continue
            left = max(end for end in ends if end is not None) + _SETTLE - now
            if left <= 0:
                due.append(found)
            else:
                wait = min(wait or left, left)
        return due, wait

    def _conclude(self, found: Appeared) -> None:
        """Tell of it, and remove it where it is ours, unless it is gone or belongs to something else."""
        if self._view is None:
            return
        left = self._view.is_left(found)
        if not left:
            if left is not None and found.entry is not None:
                self._ledger.removed(found.entry)
            return
        state, reason = ("removed", self._remove(found)) if found.ours else ("left", _NOT_OURS)
        tests = [found.labelled] if found.labelled else sorted({maker.label for maker in found.makers})
        self._tell(
            found.makers,
            kind=found.item.kind,
            name=found.item.name,
            image=found.image,
            test=tests[0] if len(tests) == 1 else "",
            during=tests if len(tests) > 1 else [],
            state="left" if reason else state,
            reason=reason,
            sure=found.sure and (found.ours or self._view.alone()),
        )

    def _remove(self, found: Appeared) -> str:
        """Remove what is ours; return why it could not be."""
        if self._engine is None:
            return "there is no engine any more"
        facts = self._engine.facts()
        entry = found.entry or self._ledger.will_make(found.item.kind, found.item.id, **facts)
        left = removers.remove([entry], self._ledger, _REMOVE_DEADLINE)
        return left[0].reason if left else ""

    def _tell(self, makers: Iterable[Span], **leak: Any) -> None:
        self._in_journals(makers, lambda journal: journal.write("leak", **leak))

    def _in_journals(self, makers: Iterable[Span], write: Callable[[Journal], None]) -> None:
        """Write to the journals of the makers' runs; without any, to the broker's own."""
        files = {maker.journal for maker in makers if maker.journal} - {str(self._journal.path)}
        if not files:
            write(self._journal)
        for file in filter(Path.exists, map(Path, files)):
            with closing(Journal(file)) as journal:
                write(journal)


def _containers_first(items: Iterable[Appeared]) -> list[Appeared]:
    """Return what to judge in its order: a container takes its anonymous volumes with it, and leaves its network."""
    return sorted(items, key=lambda found: (found.item.kind != "container", found.at))
