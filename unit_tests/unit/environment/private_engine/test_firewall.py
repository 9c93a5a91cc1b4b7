"""Whose turning on of net.ipv4.ip_forward is put back, and when; `iptables` is a set of chains here."""

from contextlib import nullcontext
from pathlib import Path

import pytest

from sdcm.environment.private_engine import addresses, firewall
from sdcm.environment.private_engine.layout import Layout, Record
from sdcm.process import CommandTimedOut, Completed


class Kernel:
    """Chains, and the forwarding switch as a file."""

    def __init__(self, switch: Path) -> None:
        self.switch = switch
        self.chains: list[str] = []
        self.hangs = False

    def run(self, argv, **_options) -> Completed:
        if self.hangs:
            raise CommandTimedOut("it hangs")
        words = list(argv)
        if words[0] == "iptables" and "-N" in words and "filter" in words:
            self.chains.append(words[-1])
        if words[0] == "iptables" and "-X" in words and "filter" in words and words[-1] in self.chains:
            self.chains.remove(words[-1])
        out = "".join(f"-N {chain}\n" for chain in self.chains) if "-S" in words else "[]"
        return Completed(tuple(words), 0, out, "", 0.0)


@pytest.fixture
def kernel(tmp_path, monkeypatch):
    made = Kernel(tmp_path / "ip_forward")
    made.switch.write_text("0\n")
    monkeypatch.setattr(firewall, "_FORWARDING", made.switch)
    monkeypatch.setattr(firewall.process, "run", made.run)
    monkeypatch.setattr(addresses, "choosing", nullcontext)
    return made


def start(tmp_path, name):
    layout = Layout(tmp_path / name, tmp_path / name, tmp_path)
    record = Record(str(layout.live), "10.201.0.0/16", firewall.forwarding())
    firewall.put_up(layout, record)
    return layout, record


@pytest.mark.parametrize("first_to_stop", [0, 1])
def test_the_last_of_two_engines_turns_forwarding_off_again(kernel, tmp_path, first_to_stop):
    engines = [start(tmp_path, "a"), start(tmp_path, "b")]
    assert kernel.switch.read_text() == "1"
    firewall.take_down(*engines[first_to_stop], restore_forwarding=False)
    assert kernel.switch.read_text() == "1"
    firewall.take_down(*engines[1 - first_to_stop], restore_forwarding=True)
    assert kernel.switch.read_text() == "0"
    assert kernel.chains == []


def test_an_engine_that_is_just_starting_keeps_forwarding_on(kernel, tmp_path):
    """Its dockerd does not run yet, so the one that stops sees no other."""
    going = start(tmp_path, "a")
    start(tmp_path, "b")
    firewall.take_down(*going, restore_forwarding=True)
    assert kernel.switch.read_text() == "1"


def test_forwarding_that_the_machine_had_on_stays_on(kernel, tmp_path):
    kernel.switch.write_text("1\n")
    engine = start(tmp_path, "a")
    firewall.take_down(*engine, restore_forwarding=True)
    assert kernel.switch.read_text() == "1\n"


def test_programs_that_hang_do_not_keep_the_rest_from_being_taken_down(kernel, tmp_path):
    engine = start(tmp_path, "a")
    kernel.hangs = True
    firewall.take_down(*engine, restore_forwarding=True)
