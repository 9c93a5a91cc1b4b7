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


@pytest.mark.parametrize(
    ("environ", "stay"),
    [
        ({}, {"one", "two", "three"}),
        ({"SCT_RUNS_KEPT": "2"}, {"two", "three"}),
        ({"SCT_RUNS_MB": "2"}, {"two", "three"}),
        ({"SCT_RUNS_MB": "1", "SCT_RUNS_KEPT": "0"}, {"three"}),
        ({"SCT_RUNS_KEPT": "many"}, {"one", "two", "three"}),
    ],
)
def test_old_runs_are_forgotten_by_number_and_by_size(places, environ, stay):
    """The oldest first, evidence counted; the last one stays whatever its size."""
    for age, (name, size) in enumerate((("three", 1.5), ("two", 0.4), ("one", 0.4))):
        evidence = places.runs / name / "evidence"
        evidence.mkdir(parents=True)
        with (evidence / "x.log").open("wb") as file:
            file.truncate(int(size * 2**20))
        os.utime(places.runs / name, (1000 - age, 1000 - age))
    runs.forget_old_runs(places, environ)
    assert {folder.name for folder in places.runs.iterdir()} == stay


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
