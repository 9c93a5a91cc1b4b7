"""Each cause is made on purpose; those that start programs or reach for a registry are tested as a process."""

import json
from dataclasses import replace

import pytest
from click.testing import CliRunner

from sdcm.cli import doctor
from sdcm.environment import packages
from sdcm.environment.private_engine import programs
from sdcm.errors import EnvironmentFailed, UsageProblem
from sdcm.exit_codes import ExitCode
from sdcm.ownership.ledger import Ledger
from sdcm.process_identity import identify
from sdcm.run.doctor import diagnosis, outside_causes, tool_causes
from sdcm.run.doctor.finding import Finding, Fix
from unit_tests.lib.fake_step import FakeStep


@pytest.mark.parametrize(
    ("no_proxy", "mend"),
    [
        ("", "export no_proxy=localhost,127.0.0.1"),
        ("example.com,localhost", "export no_proxy=localhost,127.0.0.1,$no_proxy"),
        ("localhost, 127.0.0.1", ""),
        ("*", ""),
    ],
)
def test_a_proxy_for_this_machine(sick, no_proxy, mend):
    found = sick.finds(outside_causes.proxies, "proxies", HTTP_PROXY="http://proxy:3128", NO_PROXY=no_proxy)
    assert (found.mend, found.level) == (mend, "bad" if mend else "ok")


def test_missing_credentials(sick):
    found = sick.finds(outside_causes.credentials, "aws")
    assert (found.level, found.why) == ("note", "tests that need aws are skipped")
    assert "AWS_ACCESS_KEY_ID" in found.text


def test_what_a_dead_run_has_left_is_removed_by_the_fix(sick, tmp_path, monkeypatch):
    for name, value in sick.environ.items():
        if name.startswith("SCT_"):
            monkeypatch.setenv(name, value)
    places = sick.machine().places
    ledger = Ledger(places.run_state("0dead000"), "0dead000", replace(identify(), start_ticks=1))
    ledger.will_make("container", "sct-0dead000-scylla-1", host=sick.engine.host)
    ledger.close()
    sick.engine.add_container("sct-0dead000-scylla-1", {"sct.run": "0dead000"})
    found = sick.finds(outside_causes.leftovers, "leftovers")
    assert (found.level, found.mend) == ("note", "sct.py clean")
    found.fix.run(FakeStep(tmp_path))
    assert sick.engine.containers == []
    assert sick.finds(outside_causes.leftovers, "leftovers").ok


def test_no_mmdebstrap(sick, monkeypatch, tmp_path):
    installed = []
    monkeypatch.setattr(programs, "locate", lambda name: None)
    monkeypatch.setattr(packages, "can_install", lambda: "")
    monkeypatch.setattr(packages, "install", lambda wanted, step: installed.append(tuple(wanted)))
    found = sick.finds(tool_causes.mmdebstrap, "mmdebstrap")
    assert (found.level, found.mend) == ("note", "sudo apt-get install -y mmdebstrap debian-archive-keyring")
    found.fix.run(FakeStep(tmp_path))
    assert installed == [packages.BOOTSTRAP_PACKAGES]


def test_no_uv(sick):
    found = sick.finds(tool_causes.python, "uv")
    assert (found.level, found.text, found.mend) == ("note", "not on PATH", "pip install --upgrade uv")


def test_an_old_python(sick, monkeypatch):
    monkeypatch.setattr("platform.python_version_tuple", lambda: ("3", "9", "2"))
    assert sick.finds(tool_causes.python, "Python").mend == "uv python install 3.11"


class Table:
    """Findings in place of the causes' own, and what their fixes did."""

    def __init__(self, monkeypatch):
        self.done = []
        self.fails = False
        fix = Fix("remove them", self.fix)
        findings = (
            Finding("engine", "ok", "there"),
            Finding("leftovers", "note", "2 are left", "they hold memory", "sct.py clean", fix),
        )
        monkeypatch.setattr(diagnosis, "diagnose", lambda machine: iter(findings))

    def fix(self, step):
        if self.fails:
            raise EnvironmentFailed("still there", mend="sct.py clean")
        self.done.append(step.name)


@pytest.fixture
def table(monkeypatch, tmp_path):
    monkeypatch.setenv("SCT_STATE_DIR", str(tmp_path))
    return Table(monkeypatch)


@pytest.mark.parametrize(
    ("arguments", "answer", "mends"),
    [
        pytest.param([], "", False, id="never without --fix"),
        pytest.param(["--fix"], "n\n", False, id="refused"),
        pytest.param(["--fix"], "y\n", True, id="agreed"),
        pytest.param(["--fix", "--yes"], "", True, id="not asked"),
        pytest.param(["--fix", "--yes", "--json"], "", True, id="as JSON"),
    ],
)
def test_fix_asks_first(table, arguments, answer, mends):
    ended = CliRunner().invoke(doctor.command, arguments, input=answer, standalone_mode=False)
    assert (ended.return_value, table.done) == (ExitCode.OK, ["fix leftovers"] if mends else [])
    if "--json" in arguments:
        records = json.loads(ended.stdout)
        assert records[1] == {
            "subject": "leftovers", "level": "note", "ok": False, "fix": True,
            "text": "2 are left", "why": "they hold memory", "mend": "sct.py clean",
        }  # fmt: skip
    else:
        assert "why:  they hold memory" in ended.stdout
        assert "mend: sct.py clean" in ended.stdout


def test_a_mend_that_fails(table):
    table.fails = True
    ended = CliRunner().invoke(doctor.command, ["--fix", "--yes"], standalone_mode=False)
    assert ended.return_value == ExitCode.ENVIRONMENT_FAILED
    assert "sct: still there -- sct.py clean" in ended.stderr


def test_nobody_is_there_to_be_asked(table):
    with pytest.raises(UsageProblem, match=r"nobody answers here -- sct.py doctor --fix --yes"):
        CliRunner().invoke(doctor.command, ["--fix"], input="", standalone_mode=False, catch_exceptions=False)
    assert table.done == []


def test_a_cause_that_cannot_be_looked_at_hides_no_other(sick):
    def broken(machine):
        raise EnvironmentFailed("it burns", why="fire")
        yield

    found = list(diagnosis.diagnose(sick.machine(), (broken, outside_causes.proxies)))
    assert [(finding.subject, finding.level) for finding in found] == [("broken", "bad"), ("proxies", "ok")]
