"""How busy the processors are."""

import pytest

from sdcm.broker.processors import Processors


class Machine:
    """Two processors, whose work a test decides."""

    def __init__(self):
        self.now = self.idle = 0.0

    def pass_(self, seconds, busy):
        """Let time pass with that share of the processors at work."""
        self.now += seconds
        self.idle += 2 * seconds * (1 - busy)

    def times(self):
        """Return the seconds idled, and all."""
        return self.idle + 100.0, 2 * self.now + 200.0


@pytest.fixture
def machine():
    return Machine()


@pytest.fixture
def processors(machine):
    return Processors(machine.times, lambda: machine.now)


def test_while_nothing_is_known_they_count_as_busy(processors):
    """A boot more than is good is what costs."""
    assert processors.busy() == 1.0


def test_the_share_since_the_last_look(machine, processors):
    """Each answer is about what was since the one before."""
    processors.busy()
    machine.pass_(2.0, busy=0.25)
    assert processors.busy() == pytest.approx(0.25)
    machine.pass_(4.0, busy=0.75)
    assert processors.busy() == pytest.approx(0.75)


def test_within_a_second_the_answer_stays(machine, processors):
    """Moments say nothing: a test that begins would look like a busy machine."""
    processors.busy()
    machine.pass_(2.0, busy=0.5)
    assert processors.busy() == pytest.approx(0.5)
    machine.pass_(0.5, busy=1.0)
    assert processors.busy() == pytest.approx(0.5)
    machine.pass_(0.5, busy=1.0)
    assert processors.busy() == pytest.approx(1.0)


def test_of_this_machine():
    """What this process itself has done is seen."""
    clock = iter([0.0, 5.0])
    processors = Processors(clock=lambda: next(clock))
    processors.busy()
    sum(n * n for n in range(2_000_000))
    assert 0.0 < processors.busy() <= 1.0
