"""How busy the processors are."""

from contextlib import nullcontext

import pytest

from sdcm.broker.processors_here import Processors, seconds
from sdcm.wait import wait_for


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


def test_at_first_nothing_is_known(processors):
    """One look is none: the counters began with the machine."""
    assert processors.busy() is None


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


def test_what_was_long_ago_is_not_of_late(machine, processors):
    """Between two runs of a kept environment nothing is asked: the hours count for none of them."""
    processors.busy()
    machine.pass_(3600.0, busy=0.0)
    assert processors.busy() is None
    machine.pass_(2.0, busy=0.5)
    assert processors.busy() == pytest.approx(0.5)


def test_what_cannot_be_told_is_not_known():
    """A lease must not fail for it."""

    def refuse():
        raise OSError("no /proc")

    assert Processors(refuse).busy() is None


def test_the_seconds_of_this_machine(tmp_path):
    """All grow, and what idles is part of them."""
    idle, total = seconds(tmp_path)
    assert 0.0 < idle < total
    assert wait_for(lambda: seconds(tmp_path)[1] > total, timeout=10, step=0.05, text="time passes")


@pytest.mark.parametrize(
    ("told", "file", "limit", "limited"),
    [
        ("0::/pod\n", "pod/cpu.max", "200000 100000\n", True),
        ("0::/pod\n", "pod/cpu.max", "max 100000\n", False),
        ("4:cpu,cpuacct:/a\n", "cpu/a/cpu.cfs_quota_us", "50000\n", True),
        ("4:cpu,cpuacct:/a\n", "cpu/a/cpu.cfs_quota_us", "-1\n", False),
        ("5:memory:/a\n", "memory/a/cpu.cfs_quota_us", "50000\n", False),
    ],
)
def test_where_a_cgroup_limits_the_time_the_machine_says_nothing(tmp_path, told, file, limit, limited):
    """A pod that uses all it may is a few percent of its host."""
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/self/cgroup").write_text(told)
    (tmp_path / "sys/fs/cgroup" / file).parent.mkdir(parents=True)
    (tmp_path / "sys/fs/cgroup" / file).write_text(limit)
    with pytest.raises(OSError, match="limits") if limited else nullcontext():
        seconds(tmp_path)
