"""A run in an environment that is kept. It has no broker of its own: the environment's watches over it.

Why so: docs/decisions/0031-no-broker-beside-a-kept-one.md.
"""

import json
import time
from collections.abc import Iterable

from sdcm import process_identity
from sdcm.broker import demand, runs
from sdcm.broker.client import BrokerClient
from sdcm.broker.runs import LiveRun
from sdcm.errors import SctError
from sdcm.journal import Journal
from sdcm.ownership.ledger import Ledger
from sdcm.paths import Paths
from sdcm.run.end_steps import EndSteps
from sdcm.services.selected import SelectedTest


class InKept:
    """The use that one run makes of a kept environment, which does not end meanwhile, whatever its time.

    Attributes:
        environment: The environment.
    """

    def __init__(self, environment: LiveRun, places: Paths, run_id: str, journal: Journal) -> None:
        """Begin; `end` is to be called in any case.

        Args:
            environment: The kept environment.
            places: Base directories.
            run_id: The run that uses it.
            journal: The run's journal.

        Raises:
            SctError: It is not there any more, or was brought up by a version that knows less.
        """
        self.environment = environment
        self._journal = journal
        self._client = BrokerClient(environment.socket, "runner", deadline=1.0)
        try:
            self._client.ask("watch", run=run_id)
            self._ledger = Ledger(places.run_state(run_id), run_id, process_identity.identify())
        except BaseException:
            self._client.close()
            raise

    def expect(self, tests: Iterable[SelectedTest], times: int) -> bool:
        """Tell it of the tests to come, by which it hands nodes on.

        Args:
            tests: The tests.
            times: How often they run.

        Returns:
            Whether it is there still.
        """
        try:
            self._client.ask("expect", tests=demand.by_key(tests), times=times)
        except SctError:
            return False
        return True

    def adopt(self, pid: int) -> None:
        """Write down that a process of the run's must end with it.

        Raises:
            ProcessLookupError: It has ended.
        """
        identity = json.dumps(process_identity.identify(pid).to_record())
        facts = {"identity": identity, runs.ENVIRONMENT: self.environment.run_id}
        self._ledger.will_make("process", str(pid), **facts)

    def end(self) -> None:
        """Leave the environment, once the run's processes have ended; tell how that went."""
        with EndSteps(self._journal) as steps:
            steps.callback(self._client.close)
            steps.callback(self._ledger.close)
            steps.callback(self._settle)

    def _settle(self) -> None:
        started, entries = time.monotonic(), self._ledger.entries()
        self._journal.write("teardown-start", resources=len(entries))
        for entry in entries:
            self._ledger.removed(entry)
        self._journal.write("teardown-end", seconds=round(time.monotonic() - started, 3), leftovers=[])
