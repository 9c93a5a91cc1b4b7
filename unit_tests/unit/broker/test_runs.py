import os
from dataclasses import replace

import pytest

from sdcm import paths
from sdcm.broker import runs
from sdcm.ownership.ledger import Ledger
from sdcm.process_identity import identify


@pytest.fixture
def places(tmp_path):
    return paths.from_environment({"HOME": str(tmp_path), "SCT_STATE_DIR": str(tmp_path), "SCT_RUNTIME_DIR": "/none"})


def dead():
    return replace(identify(), start_ticks=1)


def test_a_live_run_without_resources_is_not_forgotten(places):
    runs.claim(places, "aaaaaaaa")
    for number, owner in (("bbbbbbbb", dead()), ("cccccccc", replace(identify(), host="elsewhere"))):
        Ledger(places.run_state(number), number, owner).close()
    left = Ledger(places.run_state("dddddddd"), "dddddddd", dead())
    left.will_make("container", "c")
    left.close()
    (places.runs / "eeeeeeee").mkdir()
    for number, folder in enumerate(places.runs.iterdir()):
        os.utime(folder, (number, number))
    os.utime(places.runs / "cccccccc")
    for number in range(runs.RUNS_KEPT):
        folder = places.runs / f"{number:08x}"
        folder.mkdir()
        os.utime(folder, (2e9, 2e9))
    runs.forget_old_runs(places)
    stay = {folder.name for folder in places.runs.iterdir()} & {f"{letter * 8}" for letter in "abcde"}
    assert stay == {"aaaaaaaa", "cccccccc", "dddddddd"}
    os.utime(places.runs / "cccccccc", (1, 1))
    runs.forget_old_runs(places)
    assert not (places.runs / "cccccccc").exists(), "nobody can tell of it, and it is old"
