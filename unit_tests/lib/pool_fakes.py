"""A node pool with a maker and a care that only remember."""

import threading
from collections import Counter
from dataclasses import replace

from sdcm.broker.admission import NotNeeded
from sdcm.broker.asking import Asking
from sdcm.broker.demand import Demand
from sdcm.broker.node_pool import NodePool
from sdcm.broker.protocol import NodeRequest, node_key
from sdcm.errors import DeadlinePassed, ServiceUnavailable
from sdcm.services import selected
from sdcm.services.selected import SelectedTest
from unit_tests.lib.node_records import node_record

ANY = NodeRequest()
KEY = node_key(ANY)


class Maker:
    """Boots at once; remembers."""

    def __init__(self):
        self.made, self.removed = [], []
        self.refuse_ahead = False
        self.boot_seconds = None
        self.full = threading.Event()

    def make(
        self,
        request,
        test,
        asking,
        *,
        holds_others,
        room_deadline=9.0,
        unless=lambda: False,
        admitted=lambda: None,
    ):
        if not room_deadline and self.refuse_ahead:
            raise DeadlinePassed("no room")
        while self.full.is_set():
            if unless():
                raise NotNeeded("no room is needed")
        admitted()
        node = node_record(len(self.made) + 1)
        if self.boot_seconds is not None:
            node = replace(node, boot_seconds=self.boot_seconds)
        self.made.append((node.name, test))
        return node, lambda: self.removed.append(node.name)

    def require(self, request):
        if "alternator" in request.needs:
            raise ServiceUnavailable("a cassandra node has no alternator")


class Care:
    """Puts everything back; remembers."""

    def __init__(self):
        self.asked = Counter()
        self.unfit = ""
        self.asleep = ""
        self.restores = True
        self.slow = threading.Event()
        self.slow.set()

    def can_restore(self, _node):
        return self.restores

    def look(self, _node):
        self.asked["look"] += 1
        return object()

    def put_back(self, _node, _known, *, wanted):
        self.asked["put_back"] += 1
        self.slow.wait(60)
        self.asked["put back for one who waits"] += wanted()
        return self.unfit

    def rest(self, _node):
        self.asked["rest"] += 1
        return ""

    def wake(self, _node):
        self.asked["wake"] += 1
        return self.asleep


class Journal:
    def __init__(self):
        self.said = []

    def write(self, event, **data):
        self.said.append((data.get("what"), data.get("reason", "")))

    def reasons(self):
        return [reason for what, reason in self.said if what == "thrown-away"]


class Pool(NodePool):
    """A pool whose background is the foreground, unless told otherwise."""

    def __init__(self, tmp_path, tests=3, key=KEY, *, keeps=False):
        file = tmp_path / "selection.json"
        selected.write(file, [SelectedTest(f"t{n}", "f.py", nodes=1, node_key=key) for n in range(tests)])
        self.maker, self.care_, self.journal_, self.later = Maker(), Care(), Journal(), []
        #: What is to be done once a test has run for some time, each with the seconds.
        self.timers = []
        super().__init__(
            self.maker,
            lambda: self.care_,
            Demand(file),
            self.in_background,
            self.journal_,
            keeps=keeps,
            after=lambda seconds, work: self.timers.append((seconds, work)),
        )

    def in_background(self, work, _name):
        self.later.append(work)

    def do_background(self):
        while self.later:
            self.later.pop(0)()

    def in_line(self):
        """Return how many requests wait for a node."""
        return self._shelf.waiting(KEY)

    def let_tests_run_on(self):
        """Let more time pass than a boot takes."""
        while self.timers:
            self.timers.pop(0)[1]()
        self.do_background()

    def have(self, number, request=ANY):
        return self.lease(request, f"t{number}", Asking(), holds_others=False)
