import threading

import pytest

from sdcm.broker.admission import Admission, NotNeeded
from sdcm.broker.asking import Asking
from sdcm.broker.engine_machine import Machine
from sdcm.errors import DeadlinePassed, EnvironmentFailed, Interrupted


def test_boots_wait_for_one_another():
    admission = Admission(memory_mb=1000, boots=1)
    with (
        admission.boot(100, holds_others=False, deadline=60),
        pytest.raises(DeadlinePassed, match=r"no room for a node .*: as many nodes boot as processors"),
        admission.boot(100, holds_others=False, deadline=0.05),
    ):
        pytest.fail("two boots at a time")


def test_memory_stays_taken_after_the_boot_until_the_node_is_gone():
    admission = Admission(memory_mb=100, boots=2)
    with admission.boot(100, holds_others=False, deadline=60):
        pass
    short = pytest.raises(DeadlinePassed, match="100 MiB wanted, 0 MiB free")
    with short, admission.boot(100, holds_others=False, deadline=0.05):
        pass
    admission.gone(100)
    with admission.boot(100, holds_others=False, deadline=60):
        pass


def test_a_failed_boot_gives_its_memory_back():
    admission = Admission(memory_mb=100, boots=1)
    with pytest.raises(ZeroDivisionError), admission.boot(100, holds_others=False, deadline=60):
        raise ZeroDivisionError
    with admission.boot(100, holds_others=False, deadline=60):
        pass


def test_who_holds_nodes_already_does_not_wait_for_memory():
    admission = Admission(memory_mb=100, boots=2)
    with (
        admission.boot(100, holds_others=False, deadline=60),
        admission.boot(100, holds_others=True, deadline=60),
    ):
        pass


def test_a_waiting_boot_is_let_in_when_another_ends():
    admission = Admission(memory_mb=1000, boots=1)
    inside, release, second = threading.Event(), threading.Event(), threading.Event()

    def first():
        with admission.boot(1, holds_others=False, deadline=60):
            inside.set()
            release.wait(60)

    def then():
        with admission.boot(1, holds_others=False, deadline=60):
            second.set()

    threads = [threading.Thread(target=first), threading.Thread(target=then)]
    threads[0].start()
    inside.wait(60)
    threads[1].start()
    assert not second.wait(0.1)
    release.set()
    assert second.wait(60)
    for thread in threads:
        thread.join()


def test_who_gives_up_waits_no_longer_and_takes_nothing():
    admission = Admission(memory_mb=1000, boots=1)
    asking = Asking()
    with admission.boot(1, holds_others=False, deadline=60):
        threading.Timer(0.05, asking.give_up).start()
        with pytest.raises(Interrupted), admission.boot(1000, holds_others=False, deadline=60, asking=asking):
            pytest.fail("it was given up")
    with admission.boot(999, holds_others=False, deadline=60):
        pass


def test_who_waits_for_what_nobody_gives_back_is_let_in():
    """One worker holds all memory and waits for a place; the one that holds the place waits for memory."""
    admission = Admission(memory_mb=100, boots=2)
    stuck, inside = threading.Event(), threading.Event()
    admission.nobody_gives_back = stuck.is_set
    with admission.boot(100, holds_others=False, deadline=1):
        pass

    def other():
        with admission.boot(100, holds_others=False, deadline=20):
            inside.set()

    threading.Thread(target=other, daemon=True).start()
    assert not inside.wait(0.1)
    stuck.set()
    admission.look_again()
    assert inside.wait(20)


def test_a_boot_that_nobody_waits_for_is_not_let_in_beyond_the_budget():
    admission = Admission(memory_mb=50, boots=2)
    admission.nobody_gives_back = lambda: True
    with pytest.raises(DeadlinePassed), admission.boot(100, holds_others=False, deadline=0.0):
        pass


@pytest.mark.parametrize("what", ["no longer needed", "given up"])
def test_what_happens_between_a_look_for_room_and_the_wait_is_not_missed(what):
    admission, asking, over = Admission(memory_mb=100, boots=2), Asking(), threading.Event()
    with admission.boot(100, holds_others=False, deadline=60):
        pass

    def meanwhile():
        def happen():
            over.set()
            admission.look_again() if what == "no longer needed" else asking.give_up()

        if not over.is_set():
            another = threading.Thread(target=happen)
            another.start()
            another.join()
        return False

    admission.nobody_gives_back = meanwhile
    unless = over.is_set if what == "no longer needed" else lambda: False
    with (
        pytest.raises((NotNeeded, Interrupted)),
        admission.boot(100, holds_others=False, deadline=60, asking=asking, unless=unless),
    ):
        pytest.fail("there was no room")


def test_more_than_there_will_ever_be_is_refused_at_once():
    admission = Admission(memory_mb=100, boots=2)
    with (
        pytest.raises(EnvironmentFailed, match="no room for a node of 101 MiB: all nodes together may take 100 MiB"),
        admission.boot(101, holds_others=False, deadline=1800),
    ):
        pytest.fail("there was no room")


def test_an_engine_elsewhere_has_that_machines_room():
    admission = Admission(memory_mb=100, boots=1)
    with admission.boot(100, holds_others=False, deadline=60):
        admission.move_to(Machine(memory_mb=4000, cores=3))
        assert admission.elsewhere
        with (
            admission.boot(2000, holds_others=False, deadline=60),
            admission.boot(900, holds_others=False, deadline=60),
            pytest.raises(DeadlinePassed, match="no room"),
            admission.boot(1, holds_others=False, deadline=0.05),
        ):
            pytest.fail("a fourth boot on three processors")
    with (
        pytest.raises(EnvironmentFailed, match="may take 3000 MiB, three quarters of what the engine's machine has"),
        admission.boot(3001, holds_others=False, deadline=60),
    ):
        pytest.fail("more than all of it")
