import json
import subprocess
import sys

import pytest

from sdcm.pytest_plugin import last_resort
from sdcm.pytest_plugin.last_resort import LastResort


@pytest.fixture
def timer(monkeypatch):
    """What is done to faulthandler's timer, which this process keeps for its own tests."""
    done = []
    monkeypatch.setattr(
        last_resort.faulthandler, "dump_traceback_later", lambda seconds, **_: done.append(round(seconds))
    )
    monkeypatch.setattr(last_resort.faulthandler, "cancel_dump_traceback_later", lambda: done.append("stopped"))
    return done


@pytest.fixture
def resort(timer, tmp_path):
    resort = LastResort(tmp_path / "last-words" / "gw0.txt")
    yield resort
    resort.close()


def test_one_timer_covers_the_phases_that_want_about_the_same(resort, timer):
    for _ in range(3):
        resort.cover("f::t", "why", 600)
    assert timer == [660]


def test_who_wants_another_time_gets_a_timer_of_its_own(resort, timer):
    for seconds in (600, 60, 600):
        resort.cover("f::t", "why", seconds)
    assert timer == [660, 66, 660]


def test_it_rests_once_and_is_set_anew(resort, timer):
    resort.cover("f::t", "why", 600)
    resort.rest()
    resort.rest()
    resort.cover("f::t", "why", 600)
    assert timer == [660, "stopped", 660]


@pytest.mark.parametrize("test", ["f::t", "f::" + "t" * 9999, "f::t[\N{SNOWMAN}" * 999])
def test_the_first_line_names_the_running_test_and_has_one_length(resort, tmp_path, test):
    resort.cover("longer::than::the::next", "why", 600)
    resort.cover(test, "why\nnot", 600)
    head, _, told = (tmp_path / "last-words" / "gw0.txt").read_text().partition("\n")
    assert test.startswith(json.loads(head)["test"])
    assert json.loads(head)["message"] == "why\nnot"
    assert (len(head), told) == (4095, "")


def test_the_file_goes_with_a_process_that_ended_well(resort, tmp_path):
    resort.cover("f::t", "why", 600)
    resort.close()
    assert list((tmp_path / "last-words").iterdir()) == []


def test_a_process_that_lets_no_python_run_is_ended_and_says_where(tmp_path):
    script = (
        "import re, pathlib, sys\n"
        "from sdcm.pytest_plugin.last_resort import LastResort\n"
        "LastResort(pathlib.Path(sys.argv[1])).cover('f::t', 'why', 0.2)\n"
        "re.match(r'(a|aa)+$', 'a' * 200 + 'b')\n"
    )
    file = tmp_path / "words.txt"
    done = subprocess.run([sys.executable, "-c", script, str(file)], check=False, timeout=60)
    assert done.returncode == 1
    head, _, told = file.read_text().partition("\n")
    assert json.loads(head)["test"] == "f::t"
    assert "Timeout" in told
