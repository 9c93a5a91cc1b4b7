"""Hands nodes on from test to test: booted ahead, put back after each test, thrown away when in doubt.

A node goes this way, and each step but the first and the third is off every test's path:

    booted, or booted ahead -> looked at -> leased -> given back -> put back as it was -> leased ...

It is thrown away when its test failed, when anything but CQL was done to it, when another node joined it, when it
is not as it was, when it has had its share of tests, or when no test to come asks for one like it. The broker of an
environment that is kept has one stand ready all the same: the next run is to find it.
"""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from sdcm.broker.admission import NotNeeded
from sdcm.broker.asking import Asking
from sdcm.broker.demand import Demand
from sdcm.broker.node_shelf import NodeShelf, Place, Standing
from sdcm.broker.pool_needs import Care, Maker
from sdcm.broker.protocol import NodeRequest, node_key
from sdcm.broker.worth import Worth
from sdcm.containers.records import NodeRecord
from sdcm.errors import SctError
from sdcm.journal import Journal

if TYPE_CHECKING:
    from sdcm.containers.pristine import State

#: Tests that one node may serve: so many were seen to make it neither slower nor larger.
TESTS_AT_MOST = 200
#: Nodes that a kept environment has stand ready, of different kinds, while no test to come is known.
_SPARES = 2


#: Runs something in the background, under a name for the journal.
Background = Callable[[Callable[[], None], str], None]


def _after(seconds: float, work: Callable[[], None]) -> None:
    timer = threading.Timer(seconds, work)
    timer.daemon = True
    timer.start()


class NodePool:
    """The nodes of a run between the tests; safe to use from several threads."""

    def __init__(
        self,
        maker: Maker,
        care: Callable[[], Care],
        demand: Demand,
        background: Background,
        journal: Journal,
        nudge: Callable[[], None] = lambda: None,
        *,
        keeps: bool = False,
        busy: Callable[[], float | None] = lambda: None,
        after: Callable[[float, Callable[[], None]], None] = _after,
    ) -> None:
        """Hand on what `maker` boots.

        Args:
            maker: Boots nodes.
            care: Gives what looks after them; called when the first node is there.
            demand: The tests to come.
            background: Runs what no test waits for.
            journal: Told of each hand-over, and of each node thrown away.
            nudge: Wakes requests that wait for room: a node stands ready.
            keeps: The environment outlives its run: a node is kept ready for the next.
            busy: Returns the share of the processors at work, None while it is not known.
            after: Runs something once so many seconds have passed.
        """
        self._maker = maker
        self._nudge = nudge
        self._make_care = care
        self._care: Care | None = None
        self._demand = demand
        self._background = background
        self._journal = journal
        self._lock = threading.Lock()
        self._worth = Worth()
        self._shelf = NodeShelf(self._worth.patience)
        self._after = after
        self._joined: set[str] = set()
        self._keeps = keeps
        self._busy = busy
        #: What was asked for last that others may have, too.
        self._latest = NodeRequest()

    def lease(self, request: NodeRequest, test: str, asking: Asking, *, holds_others: bool) -> Standing:
        """Return a node for a test: one that stands ready, else one that is booted now.

        Raises:
            SctError: As `Maker.make` and `Maker.require`.
        """
        if request.needs:
            # Before a look at what stands ready: nodes are alike whatever their tests asked of them.
            self._maker.require(request)
        key = node_key(request)
        self._demand.asked(key, test)
        alike = replace(request, needs=())
        with self._lock:
            self._joined.update(request.seeds)
            if key:
                self._latest = alike
        standing = (
            self._next(request, key, test, asking, holds_others=holds_others)
            if key
            else self._boot(request, key, test, asking, holds_others=holds_others)
        )
        standing.leased = time.monotonic()
        standing.tests.append(test)
        if key:
            unsure = self._worth.unsure_for(key) if standing.known is not None else 0.0
            if unsure:
                self._after(unsure, lambda: self._boot_ahead(alike, key))
            else:
                self._boot_ahead(alike, key)
        return standing

    def give_back(self, standing: Standing, *, failed: bool) -> None:
        """Take a node back from a test; what becomes of it is found out in the background."""
        if standing.key:
            self._worth.held(standing.key, time.monotonic() - standing.leased)
        reason = "its test failed" if failed else self._unfit(standing)
        if not reason:
            self._shelf.expect(standing.key)
        self._background(lambda: self._settle(standing, reason, failed=failed), standing.node.name)

    def keep_ready(self) -> None:
        """In an environment that is kept, have a node stand ready for the next run: one like the last asked for."""
        self._keep_one_like(self._latest_key())

    def _keep_one_like(self, key: str) -> None:
        """Boot one ahead for who comes next, if none stands ready or is on its way, and it is the latest kind."""
        with self._lock:
            request = self._latest
        if not self._keeps or key != node_key(request) or self._shelf.coming(key):
            return
        if self._shelf.expect_boot(key, lambda _standing, _short, _users: True):
            self._background(lambda: self._make_ready(request, key), f"a node like {key}")

    def tidy(self) -> None:
        """In an environment that is kept, throw away what the run that has ended leaves ready beyond the spares."""
        self._tidy(self._latest_key())

    def _latest_key(self) -> str:
        with self._lock:
            return node_key(self._latest)

    def _tidy(self, key: str) -> None:
        """Throw away what a kept environment has ready beyond its spares, those like the latest last."""
        while self._keeps and self._shelf.in_all() > _SPARES:
            spare = self._shelf.take_spare(lambda other: other != key and not self._demand.left(other))
            spare = spare or self._shelf.take_spare(lambda other: not self._demand.left(other))
            if spare is None:
                return
            self._throw_away(spare, "enough others stand ready")

    def make_room(self, since: float) -> bool:
        """Throw the node that has stood ready longest away, for one that cannot be booted beside it.

        Args:
            since: When the request for that one began to wait, by the monotonic clock; nodes that earlier ones wait for
                stay.

        Returns:
            Whether there was one.
        """
        standing = self._shelf.take_least_used(since)
        if standing is None:
            return False
        self._throw_away(standing, "its room is needed")
        return True

    def counts(self) -> dict[str, int]:
        """Return how many nodes stand, stand ready, and are on their way to be ready."""
        return self._shelf.counts()

    def close(self) -> None:
        """Hand nothing on any more; what stands is teardown's."""
        self._shelf.close()

    def care(self) -> Care:
        """Return what looks after nodes, made when first asked for."""
        with self._lock:
            if self._care is None:
                self._care = self._make_care()
            return self._care

    def _next(self, request: NodeRequest, key: str, test: str, asking: Asking, *, holds_others: bool) -> Standing:
        """Return the next node of a key: one that is handed on, else one that is booted; in the order of the asking."""
        while True:
            with self._in_line(key, holds_others=holds_others) as place:
                # While it waits for room to boot in, another test may give one back.
                while (standing := self._shelf.take(place, asking)) is None:
                    with contextlib.suppress(NotNeeded):
                        return self._boot(request, key, test, asking, place, holds_others=holds_others)
            try:
                reason = self.care().wake(standing.node)
            except BaseException:
                self._throw_away(standing, "it could not be woken")
                raise
            if reason:
                self._throw_away(standing, reason)
                continue
            self._journal.write("node", name=standing.node.name, what="handed-on", tests=len(standing.tests))
            node = replace(standing.node, earlier_tests=tuple(standing.tests), leased_at=time.time())
            return replace(standing, node=node)

    @contextlib.contextmanager
    def _in_line(self, key: str, *, holds_others: bool) -> Iterator[Place]:
        """Stand in line; who leaves it may leave its node to one who waits for room."""
        try:
            with self._shelf.in_line(key, holds_others=holds_others) as place:
                yield place
        finally:
            self._nudge()

    def _leave_line(self, place: Place) -> None:
        self._shelf.leave_line(place)
        self._nudge()

    def _boot(
        self,
        request: NodeRequest,
        key: str,
        test: str,
        asking: Asking,
        place: Place | None = None,
        *,
        holds_others: bool,
    ) -> Standing:
        node, take_away = self._maker.make(
            request,
            test,
            asking,
            holds_others=holds_others,
            unless=lambda: place is not None and self._shelf.is_better_off(place),
            admitted=lambda: self._leave_line(place) if place is not None else None,
        )
        standing = self._stand(node, take_away, key)
        if key and (self._keeps or self._demand.left(key) or self._shelf.waiting(key)):
            self._know(standing)
        return standing

    def _stand(self, node: NodeRecord, take_away: Callable[[], None], key: str) -> Standing:
        self._shelf.stands(key)
        self._worth.booted(key, node.boot_seconds)
        return Standing(node, take_away, key)

    def _know(self, standing: Standing) -> None:
        """Look at a node before its first test; one that cannot be looked at is not handed on."""
        care = self.care()
        if not care.can_restore(standing.node):
            return
        try:
            standing.known = care.look(standing.node)
        except Exception as exc:  # noqa: BLE001 - whatever the driver raises: the node is used once then
            self._journal.write("node", name=standing.node.name, what="not-known", reason=str(exc) or repr(exc))

    def _boot_ahead(self, request: NodeRequest, key: str) -> None:
        """Boot one more node while tests run, if the next one would have to wait and that is worth it."""
        left, busy = self._demand.left(key), self._busy()

        def wanted(standing: int, short: int, users: int) -> bool:
            return self._worth.of_one_more(key, left, standing, short=short, users=users, busy=busy)

        if left and self._shelf.expect_boot(key, wanted):
            self._background(lambda: self._make_ready(request, key), f"a node like {key}")

    def _make_ready(self, request: NodeRequest, key: str) -> None:
        standing = None
        try:
            node, take_away = self._maker.make(request, "", Asking(), holds_others=False, room_deadline=0.0)
            standing = self._stand(node, take_away, key)
            self._know(standing)
            if reason := self.care().rest(node):
                gone, standing = standing, None
                self._throw_away(gone, reason)
        except SctError as exc:
            # No room, or it does not boot: the test that needs one boots its own, and tells.
            self._journal.write("node", name="", what="not-booted-ahead", reason=str(exc))
        finally:
            self._shelf.booted(key, standing)
            self._nudge()
            self._tidy(key)

    def _settle(self, standing: Standing, reason: str, *, failed: bool) -> None:
        try:
            if reason or standing.known is None:
                if failed:
                    self._worth.lost(standing.key)
                self._throw_away(standing, reason)
            else:
                self._put_back(standing, standing.known)
        finally:
            self._keep_one_like(standing.key)
            self._tidy(standing.key)

    def _put_back(self, standing: Standing, state: "State") -> None:
        started = time.monotonic()
        arrived, reason = None, ""
        try:
            wanted = partial(self._shelf.is_awaited, standing.key)
            reason = self.care().put_back(standing.node, state, wanted=wanted)
            if not reason:
                seconds = round(time.monotonic() - started, 3)
                self._worth.kept(standing.key, seconds)
                self._journal.write("node", name=standing.node.name, what="put-back", seconds=seconds)
                arrived = standing
        except Exception as exc:
            reason = f"it could not be put back: {exc!r}"
            raise
        finally:
            self._shelf.arrived(standing.key, arrived)
            self._nudge()
            if reason:
                self._worth.lost(standing.key)
                self._throw_away(standing, reason)

    def _unfit(self, standing: Standing) -> str:
        """Return why a node is not worth putting back; empty when it is."""
        with self._lock:
            joined = bool({standing.node.ip, standing.node.name} & self._joined)
        if joined:
            return "another node joined it"
        left = self._demand.left(standing.key) + self._shelf.waiting(standing.key) if standing.key else 0
        if self._keeps and standing.key:
            left = max(left, 1)
        if self._shelf.closed or not left:
            return "no test to come asks for one like it"
        if standing.known is None:
            return "it cannot be put back"
        if len(standing.tests) >= TESTS_AT_MOST:
            return f"it has served {TESTS_AT_MOST} tests"
        if self._shelf.ready(standing.key) >= left:
            return "enough like it stand ready"
        return ""

    def _throw_away(self, standing: Standing, reason: str) -> None:
        self._journal.write("node", name=standing.node.name, what="thrown-away", reason=reason)
        self._shelf.falls(standing.key)
        with self._lock:  # engines give addresses out again
            self._joined -= {standing.node.ip, standing.node.name}
        standing.take_away()
