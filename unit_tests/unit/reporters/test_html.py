import json
import re

import pytest

from sdcm import journal
from sdcm.journal import Journal
from sdcm.reporters import html
from sdcm.reporters.critical_path import critical_path
from sdcm.reporters.html import to_html, write_html
from sdcm.reporters.html_data import html_data
from sdcm.reporters.outcome import RunResult
from sdcm.reporters.timeline import Timeline
from unit_tests.lib.journals import START, HandJournal


def mixed():
    """A run with a step, two containers, a wait, each kind of outcome, and a leak."""
    records = HandJournal().write("run-start", run="0123abcd", command="integration-tests", leaks="error")
    records.write("step-start", step="engine")
    records.write("step-end", after=2.0, step="engine", status="done", seconds=2.0)
    records.write("service", service="docker", state="ready")
    records.write("test-start", test="a.py::one")
    records.write("lease", test="a.py::one", what="node", worker="gw0", state="wanted")
    records.write("container", name="sct-1", image="db:5", test="a.py::one", state="starting")
    records.write("container", after=4.0, name="sct-1", image="db:5", test="a.py::one", state="ready")
    records.write("lease", test="a.py::one", what="node", worker="gw0", state="granted")
    records.write("test-body", test="a.py::one", started=START + 7.0)
    phases = {"setup": 4.2, "call": 1.0, "teardown": 0.5}
    records.write("test-end", test="a.py::one", outcome="passed", worker="gw0", seconds=5.7, phases=phases)
    records.write("container", name="sct-1", image="db:5", state="removed")
    records.write("container", name="sct-2", image="db:5", state="starting")
    sections = [["container sct-1", "log </script><b>\x1b[31mred\x1b[0m"]]
    records.test(
        "a.py::two[<x>]", "failed", 2.0, worker="gw0", reason="1 & 1 < 3", text="E  \x1b[1m1 < 3\x1b[0m",
        failure_class="product", sections=sections,
    )  # fmt: skip
    records.test("a.py::three", "skipped", 0.0, worker="gw1", reason="aws: no credentials", services=["aws"])
    records.write("leak", test="a.py::one", kind="volume", name="v1", state="removed")
    return records


def page(records):
    return to_html(RunResult.from_journal(records), Timeline.from_journal(records))


def embedded(told):
    return json.loads(re.search(r'id="data">(.*?)</script>', told, re.DOTALL)[1])


def test_the_page_tells_failures_with_their_evidence_and_nothing_in_them_is_markup():
    told = page(mixed().write("run-end", exit_code=1))
    assert "exit code 1 (tests failed)" in told
    assert "a.py::two[&lt;x&gt;]" in told
    assert "1 &amp; 1 &lt; 3" in told
    assert "log &lt;/script&gt;&lt;b&gt;red" in told
    assert "\x1b" not in told
    assert told.count("</script>") == 2
    assert "volume v1" in told
    assert '<td class="figure">1</td><td>aws</td><td>no credentials</td>' in told
    assert [row[1] for row in embedded(told)["tests"]] == ["one", "two[<x>]", "three"]


def test_the_page_needs_nothing_from_elsewhere():
    told = page(mixed())
    assert "default-src 'none'" in told
    assert not re.search(r"""(src|href)="(?!#)|@import|url\(|https?:|fetch\(|XMLHttp""", told)


def data_of(records):
    result = RunResult.from_journal(records)
    return html_data(result, Timeline.from_journal(records), critical_path(result))


def test_what_the_timeline_draws_is_in_milliseconds_since_the_start():
    records = mixed()
    data = data_of(records)
    assert data["steps"] == [["engine", "done", 100, 2000, ""]]
    assert data["containers"][0] == ["sct-1", "db:5", "a.py::one", 2500, 6500, 6900]
    assert data["containers"][1][4:] == [-1, data["total"]]
    one, two, three = data["tests"]
    # From the worker's clock: its code began at 7 s, 4.2 s after its set-up did; the journal began at 0.1 s.
    # What it waited for was wanted a moment before, by the clock of the journal: that is no part of it.
    assert one[4:9] == [2700, 4200, 1000, 500, 3900]
    assert data["waits"] == [[0, 2700, 3900]]
    assert data["path"][-1][0] == "a.py::three"
    assert data["outcomes"][two[2]] == "failed"
    assert (two[12], three[12]) == (0, -1)
    assert data["reasons"][three[11]] == "aws: no credentials"


def test_the_machines_load_is_drawn_with_a_bounded_number_of_samples():
    """Every so many of them where there are more."""
    records = HandJournal().write("run-start")
    for place in range(4001):
        records.write("host", after=1.0, cpu=place % 100, memory=50, used_mb=place)
    host = data_of(records)["host"]
    assert len(host) == 1334
    assert host[1] == [4000, 3, 50, 3]


def test_the_journal_of_a_killed_run_tells_what_was_under_way(tmp_path):
    live = Journal(tmp_path / journal.FILE_NAME)
    live.write("run-start", run="r", command="integration-tests")
    live.write("step-start", step="cluster")
    live.write("test-start", test="a.py::hung")
    live.write("lease", test="a.py::hung", what="node", worker="gw1", state="wanted")
    live.close()
    with live.path.open("ab") as file:
        file.write(b'{"event":"test-end","te')
    result = RunResult.from_file(live.path)
    write_html(result, Timeline.from_journal(journal.read(live.path)), tmp_path / "out" / "report.html")
    told = (tmp_path / "out" / "report.html").read_text()
    assert "did not come to its end" in told
    assert 'class="tag">unfinished</span>' in told
    assert "under way when the journal ended, worker gw1" in told
    assert embedded(told)["steps"][0][:2] == ["cluster", "unfinished"]
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["report.html"]


@pytest.mark.parametrize("records", [[], [{"event": "run-start", "at": START, "run": "r"}]])
def test_a_run_without_tests_has_a_page(records):
    assert "no test ran" in page(records)


def test_many_and_long_failures_stay_readable_by_size(monkeypatch):
    monkeypatch.setattr(html, "_ALL", 300_000)
    records = HandJournal().write("run-start", run="r", command="unit-tests")
    for place in range(250):
        records.test(f"a.py::t{place}", "failed", 0.1, worker="gw0", text="x" * 7_000, reason="same")
    told = page(records)
    assert 300_000 < len(told) < 600_000
    assert "50 more are in the list" in told
    assert "characters left out" in told
    assert embedded(told)["reasons"] == ["same"]


def test_the_summary_names_what_failed_and_how_to_run_it_again():
    records = HandJournal().write("run-start", run="0123abcd", command="integration-tests")
    for place in range(9):
        records.test(f"a.py::t[{place} x]", "failed", 0.1, worker="gw0", reason=f"why {place}")
    told = page(records.write("run-end", exit_code=1))
    glance = told[told.index('<ol class="glance"') : told.index("</ol>")]
    assert glance.count("<li>") == 8
    assert '<a href="#failure-7" title="a.py::t[7 x]">t[7 x]</a>' in glance
    assert "why 7" in glance
    assert '<a href="#failures">and 1 more</a>' in told
    assert "sct.py integration-tests -t &#39;a.py::t[0 x]&#39;" in told


@pytest.mark.parametrize(
    ("state", "reason", "told"),
    [
        ("ready", "", "ready after 2.0 s"),
        ("dismissed", "", "ready while tests needed it, removed before the run&#39;s end"),
        ("unavailable", "no engine", "unavailable, its tests are skipped: no engine"),
        ("failed", "no room", "failed, its tests fail: no room"),
        ("waiting", "", "was not ready yet"),
    ],
)
def test_a_services_state_is_told_in_words(state, reason, told):
    records = HandJournal().write("run-start", run="r", command="integration-tests")
    records.write("service", after=2.0, service="docker", state=state, reason=reason)
    assert f"<b>docker</b> {told}</li>" in page(records)


def test_the_legend_names_what_is_drawn_alone():
    told = page(HandJournal().write("run-start", run="r", command="unit-tests").test("a.py::t", worker="gw0"))
    assert 'class="k-passed"' in told
    assert not re.search('class="k-(failed|skipped|boot|step|wait)"', told)
    told = page(mixed())
    assert all(f'class="k-{kind}"' in told for kind in ("passed", "failed", "skipped", "boot", "step", "wait", "path"))
