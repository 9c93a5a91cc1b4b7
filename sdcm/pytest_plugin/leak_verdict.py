"""Every test leaves what it found: what it leaves behind is named with it.

Threads and processes are looked for here, in the process that runs the tests. What appears on the engine and in the
cluster is seen by the broker, which is told here when each test, and each fixture that outlives a test, begins and is
over. What a fixture of module scope or wider makes may stay until it is torn down; so may what was made through such
a fixture in a test that uses it.
"""

import itertools
import os
from collections.abc import Generator, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from sdcm import journal
from sdcm.broker.protocol import LEAKS_VARIABLE, PLAIN_VARIABLE, RUN_VARIABLE
from sdcm.errors import SctError
from sdcm.exit_codes import ExitCode
from sdcm.ownership import strays
from sdcm.ownership.strays import Seen, Stray
from sdcm.pytest_plugin import collecting
from sdcm.pytest_plugin.session import acts, context_of, is_worker
from sdcm.real_time import RealTime

#: Seconds that a thread or process may take to end once its test is over.
_PATIENCE = 2.0
#: Modules whose fixtures make nothing that could be left.
_HARMLESS = ("_pytest.", "xdist.", "sdcm.pytest_plugin.docker_fixtures")


@dataclass
class _Span:
    """A test or a wide fixture on its way; see `sdcm.broker.spans`."""

    number: str
    label: str
    seen: Seen
    own: list[Stray] = field(default_factory=list)
    after: tuple[str, ...] = ()


class LeakVerdict:
    """Looks before and after each test of this process."""

    def __init__(self, config: pytest.Config) -> None:
        """Look at nothing yet."""
        self._config = config
        self._numbers = itertools.count(1)
        self._test: _Span | None = None
        self._wide: dict[Any, _Span] = {}
        self._pending: list[_Span] = []
        self._named: set[str] = set()
        self._told = False

    # -- tests -----------------------------------------------------------------------------------------------

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Begin a test's span: its services are up, none of its fixtures is."""
        services = collecting.services_of(item)
        if LEAKS_VARIABLE not in os.environ and not services:
            return
        self._test = self._begin(item.nodeid, services)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """Give the verdict once the test is torn down."""
        try:
            return (yield)
        finally:
            if self._test is not None:
                span, self._test = self._test, None
                used = getattr(getattr(item, "_fixtureinfo", None), "name2fixturedefs", {}).values()
                definitions = {definition for several in used for definition in several}
                span.after = tuple(wide.number for definition, wide in self._wide.items() if definition in definitions)
                owned = {stray.name for wide in self._wide.values() for stray in wide.own}
                found = strays.strays_since(span.seen, context_of(item.config).run_id)
                span.own = [stray for stray in found if stray.name not in owned]
                self._end(span)

    # -- fixtures that outlive a test ------------------------------------------------------------------------

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: Any, request: Any) -> Generator[None, object, object]:
        """Let what a wide fixture's set-up makes be its own."""
        module = getattr(fixturedef.func, "__module__", None) or ""
        if self._test is None or fixturedef.scope == "function" or module.startswith(_HARMLESS):
            return (yield)
        label = "::".join(filter(None, (fixturedef.baseid, f"{fixturedef.argname} ({fixturedef.scope} fixture)")))
        span = self._begin(label, collecting.services_of(request._pyfuncitem))
        self._wide[fixturedef] = span
        try:
            return (yield)
        finally:
            span.own = strays.strays_since(span.seen, context_of(self._config).run_id)
            self._tell(state="shut", span=span.number)

    def pytest_fixture_post_finalizer(self, fixturedef: Any) -> None:
        """Give the verdict on a wide fixture, and on the tests that waited for its end."""
        span = self._wide.pop(fixturedef, None)
        if span is None:
            return
        self._end(span)
        open_spans = {wide.number for wide in self._wide.values()}
        waiting, self._pending = self._pending, []
        for test in waiting:
            if open_spans.isdisjoint(test.after):
                self._conclude(test)
            else:
                self._pending.append(test)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self) -> None:
        """Wait for the verdicts that the broker gives; pytest has torn down what `-x` or a stop left standing."""
        for span in self._pending:
            self._conclude(span)
        if self._told:
            self._tell(state="settle")

    # -- verdicts --------------------------------------------------------------------------------------------

    def _begin(self, label: str, services: Iterable[str]) -> _Span:
        span = _Span(str(next(self._numbers)), label, strays.look())
        record = os.environ.get(journal.ENVIRONMENT_VARIABLE, "")
        self._tell(state="open", span=span.number, label=label, services=list(services), journal=record)
        return span

    def _end(self, span: _Span) -> None:
        self._tell(state="over", span=span.number, after=list(span.after))
        if not span.own:
            return
        if span.after:
            self._pending.append(span)
        else:
            self._conclude(span)

    def _conclude(self, span: _Span) -> None:
        news = [stray for stray in span.own if stray.name not in self._named]
        for stray in strays.outlasting(news, _PATIENCE):
            self._named.add(stray.name)
            name, reason = stray.called(), stray.end()
            state = "left" if reason else "removed"
            journal.note("leak", test=span.label, kind=stray.kind, name=name, state=state, reason=reason)

    def _tell(self, **told: Any) -> None:
        """Tell the broker, where the run has one; what becomes of it then is no reason to fail a test."""
        client = context_of(self._config).client_at_hand()
        if client is not None:
            self._told = True
            try:
                client.ask("span", at=RealTime.time(), **told)
            except SctError as exc:
                from sdcm.broker.defects import note_in_run
                from sdcm.broker.leaks import STEP

                note_in_run(STEP, exc)


class PlainVerdict:
    """In plain pytest there is no runner to tell of leaks: pytest's own summary does."""

    def __init__(self) -> None:
        """Know of no leak."""
        self._leaks: list[dict[str, Any]] = []

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Generator[None, object, object]:
        """End without success where all is well but for a leak."""
        result = yield
        if session.exitstatus == pytest.ExitCode.OK and any(leak.get("sure", True) for leak in self._leaks):
            session.exitstatus = ExitCode.LEAKED
        return result

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Name each leak; every worker has ended by now."""
        records = journal.read(Path(os.environ.get(journal.ENVIRONMENT_VARIABLE, os.devnull)))
        self._leaks = [record for record in records if record["event"] == "leak"]
        if self._leaks:
            terminalreporter.section("LEAK", red=True)
        for leak in self._leaks:
            whose = leak.get("test") or ", ".join(leak.get("during") or ())
            image = f" (image {leak['image']})" if leak.get("image") else ""
            terminalreporter.line(f"{leak['kind']} {leak['name']}{image}, {whose} ({leak.get('state')})")


def pytest_configure(config: pytest.Config) -> None:
    """Look where tests run, under `sct.py` unless told not to, and in projects that follow our rules."""
    mode = os.environ.get(LEAKS_VARIABLE, "")
    if mode == "off" or config.option.collectonly or not (mode or acts(config)):
        return
    runs_tests = is_worker(config) or not getattr(config.option, "numprocesses", None)
    if runs_tests:
        config.pluginmanager.register(LeakVerdict(config), "sct-leak-verdict-tests")
    if not mode and not is_worker(config) and (RUN_VARIABLE not in os.environ or PLAIN_VARIABLE in os.environ):
        config.pluginmanager.register(PlainVerdict(), "sct-leak-verdict-plain")
