"""The HTML report in a real browser: drawn, filtered, used by keyboard, and silent on the network.

External services: none, a headless browser where there is one
"""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from sdcm.reporters.html import to_html
from sdcm.reporters.outcome import RunResult
from sdcm.reporters.timeline import Timeline
from unit_tests.lib.journals import HandJournal

pytestmark = pytest.mark.integration

BROWSERS = ("chromium", "chromium-headless-shell", "chromium-browser", "google-chrome", "chrome-headless-shell")
TESTS = 5000

#: Uses the page as a reader would, and leaves what it saw in the page, which the browser then prints.
DRIVER = """
<script>
const seen = { errors: [] };
addEventListener("error", (event) => seen.errors.push(event.message));
document.addEventListener("securitypolicyviolation", (event) => seen.errors.push("request to " + event.blockedURI));
const press = (target, key) =>
  target.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
const colours = () => new Set(new Uint32Array(pen.getImageData(0, 0, chart.width, chart.height).data.buffer)).size;
setTimeout(() => {
  seen.bars = Number(chart.dataset.bars);
  seen.colours = colours();
  seen.rows = document.querySelectorAll(".row").length;
  seen.all = element("shown").textContent;
  const back = getComputedStyle(document.body).backgroundColor;
  element("theme").click();
  seen.themed = getComputedStyle(document.body).backgroundColor !== back;
  search.value = "T77 FAILED";
  search.dispatchEvent(new Event("input"));
  seen.found = element("shown").textContent;
  seen.names = [...document.querySelectorAll(".row .name")].map((each) => each.textContent);
  search.value = "";
  search.dispatchEvent(new Event("input"));
  document.querySelector("#outcomes .o-passed").click();
  seen.without = element("shown").textContent;
  press(document.body, "/");
  seen.searching = document.activeElement === search;
  press(search, "ArrowDown");
  press(list, "ArrowDown");
  seen.selected = document.querySelector('.row[aria-selected="true"] .name').textContent;
  seen.about = element("about").textContent;
  press(list, "Enter");
  seen.opened = document.activeElement.closest("details").id;
  press(chart, "+");
  seen.zoomed = span < data.total;
  seen.requests = performance.getEntriesByType("resource").map((entry) => entry.name);
  document.title = JSON.stringify(seen);
}, 200);
</script>
"""


@pytest.fixture
def browser():
    """A headless browser's program."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        pytest.skip("no headless browser: apt-get install chromium-headless-shell supplies one")
    return found


@pytest.fixture
def page(tmp_path):
    """The report of a run with a step, a container and thousands of tests, with the driver in it."""
    records = HandJournal().write("run-start", run="0123abcd", command="integration-tests")
    records.write("step-start", step="engine")
    records.write("step-end", after=2.0, step="engine", status="done", seconds=2.0)
    records.write("container", name="sct-1", test="a.py::t0", state="starting")
    records.write("container", after=3.0, name="sct-1", test="a.py::t0", state="ready")
    for place in range(TESTS):
        outcome = "failed" if place % 77 == 0 else "passed"
        phases = {"setup": 0.01, "call": 0.03, "teardown": 0.01}
        records.test(
            f"a.py::t{place}",
            outcome,
            0.05,
            worker=f"gw{place % 4}",
            phases=phases,
            reason="why" * (outcome == "failed"),
        )
    records.write("run-end", exit_code=1)
    told = to_html(RunResult.from_journal(records), Timeline.from_journal(records))
    path = tmp_path / "report.html"
    # First of the page's scripts, so that it hears of the others' errors.
    path.write_text(told.replace('<script type="application/json"', DRIVER + '<script type="application/json"'))
    return path


def opened(browser: str, page: Path, *options: str) -> tuple[dict, str]:
    """Return what the driver saw, and what the browser had to say."""
    command = [
        browser,
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--enable-logging=stderr",
        "--window-size=1300,900",
    ]
    command += [
        "--virtual-time-budget=5000",
        f"--user-data-dir={page.parent / 'profile'}",
        *options,
        "--dump-dom",
        page.as_uri(),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    title = re.search(r"<title>(\{.*?\})</title>", done.stdout)
    assert title, f"the page's script did not come to its end\n{done.stderr}"
    return json.loads(title[1].replace("&gt;", ">").replace("&lt;", "<").replace("&amp;", "&")), done.stderr


def test_the_page_is_drawn_filtered_and_used_by_keyboard_without_an_error_or_a_request(browser, page):
    """Five thousand tests: the timeline drawn, the filter, the keys, the themes; no error, no request.

    External services: none, a headless browser where there is one
    """
    seen, said = opened(browser, page)
    assert seen["errors"] == []
    assert "CONSOLE" not in said
    assert seen["requests"] == []
    assert seen["bars"] == TESTS + 2
    assert seen["colours"] > 5
    assert 10 < seen["rows"] < 60
    failed = len(range(0, TESTS, 77))
    assert seen["all"] == f"{TESTS} of {TESTS} tests"
    assert seen["found"] == f"2 of {TESTS} tests"
    assert seen["names"] == ["a.py::t77", "a.py::t770"]
    assert seen["without"] == f"{failed} of {TESTS} tests"
    assert seen["searching"]
    assert seen["selected"] == "a.py::t77"
    assert "a.py::t77\nfailed in 0.050 s" in seen["about"]
    assert seen["opened"] == "failure-1"
    assert seen["zoomed"]
    assert seen["themed"]
