import threading

import pytest

from sdcm.broker.admission import Admission
from sdcm.broker.asking import Asking
from sdcm.errors import DeadlinePassed, Interrupted


def test_boots_wait_for_one_another():
    admission = Admission(memory_mb=1000, boots=1)
    with (
        admission.boot(100, holds_others=False, deadline=1),
        pytest.raises(DeadlinePassed, match="no room"),
        admission.boot(100, holds_others=False, deadline=0.05),
    ):
        pytest.fail("two boots at a time")


def test_memory_stays_taken_after_the_boot_until_the_node_is_gone():
    admission = Admission(memory_mb=100, boots=2)
    with admission.boot(100, holds_others=False, deadline=1):
        pass
    with pytest.raises(DeadlinePassed), admission.boot(100, holds_others=False, deadline=0.05):
        pass
    admission.gone(100)
    with admission.boot(100, holds_others=False, deadline=1):
        pass


def test_a_failed_boot_gives_its_memory_back():
    admission = Admission(memory_mb=100, boots=1)
    with pytest.raises(ZeroDivisionError), admission.boot(100, holds_others=False, deadline=1):
        raise ZeroDivisionError
    with admission.boot(100, holds_others=False, deadline=0.05):
        pass


def test_who_holds_nodes_already_does_not_wait_for_memory():
    admission = Admission(memory_mb=100, boots=2)
    with (
        admission.boot(100, holds_others=False, deadline=1),
        admission.boot(100, holds_others=True, deadline=0.05),
    ):
        pass


def test_a_waiting_boot_is_let_in_when_another_ends():
    admission = Admission(memory_mb=1000, boots=1)
    inside, release, second = threading.Event(), threading.Event(), threading.Event()

    def first():
        with admission.boot(1, holds_others=False, deadline=5):
            inside.set()
            release.wait(5)

    def then():
        with admission.boot(1, holds_others=False, deadline=5):
            second.set()

    threads = [threading.Thread(target=first), threading.Thread(target=then)]
    threads[0].start()
    inside.wait(5)
    threads[1].start()
    assert not second.wait(0.1)
    release.set()
    assert second.wait(5)
    for thread in threads:
        thread.join()


def test_who_gives_up_waits_no_longer_and_takes_nothing():
    admission = Admission(memory_mb=1000, boots=1)
    asking = Asking()
    with admission.boot(1, holds_others=False, deadline=5):
        threading.Timer(0.05, asking.give_up).start()
        with pytest.raises(Interrupted), admission.boot(1000, holds_others=False, deadline=5, asking=asking):
            pytest.fail("it was given up")
    with admission.boot(999, holds_others=False, deadline=0.05):
        pass
