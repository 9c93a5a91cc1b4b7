"""Whether an engine has this machine or another."""

import platform

import psutil
import pytest

from sdcm.broker.engine_machine import Machine, other_machine
from sdcm.ownership.docker_endpoint import Endpoint
from unit_tests.lib.fake_engine import FakeEngine

HERE = {"MemTotal": psutil.virtual_memory().total, "KernelVersion": platform.release(), "NCPU": 2}


@pytest.fixture
def engine(tmp_path):
    """One over a socket of this machine, as a laptop's virtual machine has it."""
    engine = FakeEngine(tmp_path)
    yield engine
    engine.close()


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        pytest.param({}, None, id="this one"),
        pytest.param({"MemTotal": 8 * 2**30, "NCPU": 6}, Machine(8192, 6), id="less memory"),
        pytest.param({"KernelVersion": "5.1-linuxkit"}, Machine(HERE["MemTotal"] // 2**20, 2), id="another kernel"),
        pytest.param({"MemTotal": 0}, None, id="it does not know its memory"),
    ],
)
def test_what_an_engine_tells_of_its_machine(engine, told, expected):
    engine.refusals["GET /info"] = [(200, {**HERE, **told})]
    assert other_machine(Endpoint(engine.host)) == expected


def test_an_engine_that_does_not_tell_is_taken_to_be_here(engine, tmp_path):
    engine.refusals["GET /info"] = [(500, {"message": "no"})]
    assert other_machine(Endpoint(engine.host)) is None
    assert other_machine(Endpoint(f"unix://{tmp_path}/none.sock")) is None
