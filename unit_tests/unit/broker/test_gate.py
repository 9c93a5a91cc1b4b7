import threading
import time

import pytest

from sdcm.broker.gate import Gate
from sdcm.errors import Interrupted


def test_nobody_enters_a_closed_gate():
    gate = Gate()
    assert gate.close(0)
    with pytest.raises(Interrupted):
        gate.enter()


def test_closing_waits_for_who_is_inside():
    gate = Gate()
    gate.enter()
    left = []

    def leave():
        time.sleep(0.1)
        left.append(True)
        gate.leave()

    threading.Thread(target=leave).start()
    assert gate.close(60)
    assert left == [True]


def test_closing_gives_up_at_its_deadline():
    gate = Gate()
    gate.enter()
    assert not gate.close(0.05)
