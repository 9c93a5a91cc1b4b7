"""The scheduler under plain pytest-xdist, in real processes.

External services: none
"""

import os
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest

from sdcm import process
from sdcm.process import Completed

pytestmark = pytest.mark.integration

_ROOT = Path(__file__).parents[2]

_CONFTEST = """
import os
import pytest
from sdcm.scheduling.hook import make_scheduler
from sdcm.services.selected import SelectedTest

SELECTED = [{selected}]

@pytest.hookimpl(tryfirst=True)
def pytest_xdist_make_scheduler(config, log):
    return make_scheduler(config, log, lambda: SELECTED, {{"docker"}}.__contains__)

def note(text):
    with open(os.path.join(os.path.dirname(__file__), "ran.txt"), "a") as file:
        file.write(text + "\\n")

@pytest.fixture(autouse=True)
def _note(request):
    note(os.environ["PYTEST_XDIST_WORKER"] + " " + request.node.nodeid)
"""


@dataclass(frozen=True)
class _Session:
    """What a session printed and which tests ran: (worker, node id), in their order."""

    result: Completed
    ran: tuple[tuple[str, str], ...]

    def counts(self) -> Counter[str]:
        return Counter(nodeid for _, nodeid in self.ran)

    def workers_of(self, text: str) -> set[str]:
        return {worker for worker, nodeid in self.ran if text in nodeid}


def _run(folder: Path, selected: str = "", *arguments: str, supplies: str = "", **files: str) -> _Session:
    (folder / "pytest.ini").write_text("[pytest]\naddopts = -p xdist.plugin -p no:cacheprovider\n")
    (folder / "conftest.py").write_text(_CONFTEST.format(selected=selected) + supplies)
    for name, text in files.items():
        (folder / f"{name}.py").write_text(text)
    env = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "SCT_"))}
    env.pop("CI", None)  # with it pytest repeats whole messages in its summary
    env |= {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONPATH": str(_ROOT)}
    argv = [sys.executable, "-m", "pytest", "-v", "-n2", f"--rootdir={folder}", *arguments]
    result = process.run(argv, timeout=360, env=env, cwd=folder, check=False)
    notes = folder / "ran.txt"
    lines = notes.read_text().splitlines() if notes.exists() else []
    return _Session(result, tuple((line.split()[0], line.split()[1]) for line in lines))


def test_a_killed_worker_costs_one_test_and_groups_stay_whole(tmp_path: Path) -> None:
    session = _run(
        tmp_path,
        """
        *(SelectedTest(f"test_group.py::test_{n}", file="test_group.py", group="g") for n in range(5)),
        *(SelectedTest(f"test_leased.py::test_{n}", file="test_leased.py", shared_lease=n == 3) for n in range(4)),
        """,
        test_group="import os\n"
        + "".join(f"def test_{n}(): {'os._exit(3)' if n == 2 else 'pass'}\n" for n in range(5)),
        test_leased="".join(f"def test_{n}(): pass\n" for n in range(4)),
        test_single="".join(f"def test_{n}(): pass\n" for n in range(10)),
    )
    out = session.result.stdout
    assert session.result.exit_status == 1, out
    assert "1 failed, 18 passed" in out
    assert "scheduling tests via UnitScheduler" in out
    assert out.count("crashed while running 'test_group.py::test_2'") == 1
    assert len(session.counts()) == 19
    assert set(session.counts().values()) == {1}
    assert len(session.workers_of("test_leased")) == 1
    groups = [worker for worker, nodeid in session.ran if "test_group" in nodeid]
    assert (len(set(groups[:3])), len(set(groups[3:]))) == (1, 1)
    assert groups[2] != groups[3]


def test_a_test_that_kills_every_worker_it_meets_does_not_hold_the_others_up(tmp_path: Path) -> None:
    session = _run(
        tmp_path,
        "",
        "--max-worker-restart=0",
        test_kill="import os, time\ndef test_kill(): os._exit(1)\n"
        + "".join(f"def test_{n}(): time.sleep(0.05)\n" for n in range(20)),
    )
    out = session.result.stdout
    assert session.result.exit_status == 1, out
    assert "worker restarting disabled" in out
    assert set(session.counts().values()) == {1}


def test_stops_at_the_first_failure(tmp_path: Path) -> None:
    session = _run(
        tmp_path,
        "",
        "-x",
        test_fail="import time\ndef test_fail(): assert 0\n"
        + "".join(f"def test_{n}(): time.sleep(0.05)\n" for n in range(40)),
    )
    assert session.result.exit_status == 2, session.result.stdout
    assert "stopping after 1 failures" in session.result.stdout
    assert len(session.ran) < 12
    assert set(session.counts().values()) == {1}


def test_ready_services_first(tmp_path: Path) -> None:
    session = _run(
        tmp_path,
        """
        *(SelectedTest(f"test_a.py::test_{n}", file="test_a.py", services=("kubernetes",)) for n in range(4)),
        *(SelectedTest(f"test_b.py::test_{n}", file="test_b.py", services=("docker",)) for n in range(6)),
        """,
        test_a="".join(f"def test_{n}(): pass\n" for n in range(4)),
        test_b="import time\n" + "".join(f"def test_{n}(): time.sleep(0.05)\n" for n in range(6)),
    )
    assert session.result.exit_status == 0, session.result.stdout
    files = [nodeid.partition(".")[0] for _, nodeid in session.ran]
    assert set(files[:4]) == {"test_b"}
    assert Counter(files) == {"test_a": 4, "test_b": 6}


def test_a_worker_may_supply_the_selection(tmp_path: Path) -> None:
    marked = (
        "import pytest\n@pytest.mark.xdist_group('{}')\n@pytest.mark.parametrize('n', range(6))\ndef test(n): pass\n"
    )
    session = _run(
        tmp_path,
        supplies="""
import os
from pathlib import Path
import pytest
from sdcm.services import selected

FILE = Path(__file__).with_name("selection.json")

@pytest.hookimpl(tryfirst=True)
def pytest_collection_finish(session):
    if os.environ.get("PYTEST_XDIST_WORKER") == "gw0":
        groups = ((item, item.get_closest_marker("xdist_group").args[0]) for item in session.items)
        selected.write(FILE, [selected.SelectedTest(i.nodeid, file=i.path.name, group=g) for i, g in groups])

class SELECTED:
    def __iter__(self):
        return iter(selected.read(FILE))

SELECTED = SELECTED()
""",
        test_one=marked.format("one"),
        test_two=marked.format("two"),
    )
    assert session.result.exit_status == 0, session.result.stdout
    assert len(session.counts()) == 12
    assert len(session.workers_of("test_one")) == 1
    assert len(session.workers_of("test_two")) == 1
    assert session.workers_of("test_one") != session.workers_of("test_two")


def test_nothing_selected(tmp_path: Path) -> None:
    session = _run(tmp_path, test_none="")
    assert session.result.exit_status == 5, session.result.stdout


def test_a_difference_between_workers_is_an_error(tmp_path: Path) -> None:
    session = _run(
        tmp_path,
        test_own="import os, pytest\n"
        "@pytest.mark.parametrize('worker', [os.environ.get('PYTEST_XDIST_WORKER')])\ndef test(worker): pass\n",
    )
    assert session.result.exit_status == 1, session.result.stdout
    assert "Different tests were collected between" in session.result.stdout
    assert session.ran == ()
