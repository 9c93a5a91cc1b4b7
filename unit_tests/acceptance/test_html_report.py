"""The HTML report in a real browser: drawn, filtered, used by keyboard, and silent on the network.

External services: Docker (an image with a headless browser, where the machine has none)
"""

import html
import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sdcm.containers.service import ContainerRequest
from sdcm.pytest_plugin.container_leases import container_for
from sdcm.reporters.html import to_html
from sdcm.reporters.outcome import RunResult
from sdcm.reporters.timeline import Timeline
from unit_tests.lib.journals import HandJournal

pytestmark = pytest.mark.integration

BROWSERS = ("chromium", "chromium-headless-shell", "chromium-browser", "google-chrome", "chrome-headless-shell")
TESTS = 5000

#: Put first among the page's scripts, so that it hears of the others' errors. Does as a reader would, and leaves what
#: it saw in the page's title, which the browser then prints.
DRIVER = """
<script>
const seen = { errors: [] };
addEventListener("error", (event) => seen.errors.push(event.message));
document.addEventListener("securitypolicyviolation", (event) => seen.errors.push("request to " + event.blockedURI));
const press = (target, key) =>
  target.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
const colours = () => new Set(new Uint32Array(pen.getImageData(0, 0, chart.width, chart.height).data.buffer)).size;
const count = () => element("shown").textContent;
const names = () => [...document.querySelectorAll(".row .name")].map((each) => each.textContent);
const look = (words) => { search.value = words; search.dispatchEvent(new Event("input")); };
addEventListener("load", () => setTimeout(() => {
  Object.assign(seen, { bars: Number(chart.dataset.bars), samples: Number(chart.dataset.samples || 0) });
  Object.assign(seen, { colours: colours(), all: count(), rows: names().length, stretches: data.path.length });
  Object.assign(seen, { page: document.documentElement.scrollWidth, window: innerWidth });
  STEPS
  seen.requests = performance.getEntriesByType("resource").map((entry) => entry.name);
  document.title = JSON.stringify(seen);
}, 200));
</script>
"""
USED_WHOLLY = """
  const box = chart.getBoundingClientRect(), at = { clientX: box.left + x(40000), clientY: box.top + tops[0] + 8 };
  chart.dispatchEvent(new PointerEvent("pointermove", { bubbles: true, ...at }));
  seen.host = tip.textContent;
  const back = getComputedStyle(document.body).backgroundColor;
  element("theme").click();
  seen.themed = getComputedStyle(document.body).backgroundColor !== back;
  look("T77 FAILED");
  Object.assign(seen, { found: count(), names: names() });
  look("");
  document.querySelector("#outcomes .o-passed").click();
  seen.without = count();
  press(document.body, "/");
  seen.searching = document.activeElement === search;
  press(search, "ArrowDown");
  press(list, "ArrowDown");
  seen.selected = document.querySelector('.row[aria-selected="true"] .name').textContent;
  seen.about = element("about").textContent;
  press(list, "Enter");
  seen.opened = document.activeElement.closest("details").id;
  document.querySelector('.counts a[data-only="failed"]').click();
  seen.only = count();
  look("");
  element("theme").focus();
  chart.focus();
  seen.lanes = [];
  for (let each = 0; each < 9; each++) press(chart, "PageUp");
  for (let each = 0; each < 8; each++) {
    if (each) press(chart, "PageDown");
    seen.lanes.push([lanes[current.lane].title, tip.hidden ? "" : tip.textContent.split("\\n")[0]]);
  }
  press(chart, "ArrowDown");
  press(chart, "Enter");
  seen.picked = element("picked").firstChild.textContent;
  seen.marked = document.querySelector('.row[aria-selected="true"]');
  [...document.querySelectorAll("#picked button")].find((each) => each.textContent === "Show in the list").click();
  seen.marked = [seen.marked, document.querySelector('.row[aria-selected="true"] .name').textContent];
  press(chart, "Escape");
  seen.hushed = tip.hidden;
  press(chart, "+");
  seen.zoomed = span < data.total;
  document.querySelector('#slowest a[data-test="7"]').click();
  seen.near = barOf.get(7).end - barOf.get(7).start >= span / 21 && current === barOf.get(7);
"""
SEARCHED = """
  look("sums are off");
  seen.names = names();
  const trace = document.querySelector(".failure pre.trace");
  seen.error = [...trace.querySelectorAll(".error")].map((each) => each.textContent).join("");
  document.querySelector(".failure").open = false;
  document.querySelector('.glance a').click();
  seen.opened = document.querySelector(".failure").open;
"""


OPTIONS = ["--headless", "--enable-logging=stderr", "--virtual-time-budget=5000"]
OPTIONS += ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--dump-dom"]

#: Opens a page in a window so many pixels wide, and returns its document as the browser has it in the end, and the
#: browser's log.
Browser = Callable[[Path, int], tuple[str, str]]


@pytest.fixture
def browser(request, catalogue_image, tmp_path) -> Browser:
    """A headless browser: the machine's own, else one in a container."""
    own = next(filter(None, map(shutil.which, BROWSERS)), None)
    if own is None:
        return lambda page, wide: in_a_container(request, page, wide)

    def opened_here(page: Path, wide: int) -> tuple[str, str]:
        command = [own, *OPTIONS, f"--window-size={wide},900", f"--user-data-dir={tmp_path / 'profile'}", page.as_uri()]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=True)
        return done.stdout, done.stderr

    return opened_here


def in_a_container(request, page: Path, wide: int) -> tuple[str, str]:
    """Open a page in the catalogue's browser."""
    wanted = ContainerRequest("browser", image="browser", entrypoint=("sleep", "600"), memory_mb=1024)
    with container_for(request, wanted) as container:
        container.send_files(page, f"/{page.name}")
        command = ["chromium-headless-shell", *OPTIONS, f"--window-size={wide},900", f"file:///{page.name}"]
        done = container.execute(command, shown="the browser", timeout=300)
        return done.stdout, done.stderr


@pytest.fixture
def page(tmp_path):
    """The report of a run with a step, a container and thousands of tests."""
    records = HandJournal().write("run-start", run="0123abcd", command="integration-tests")
    for second in range(60):
        records.write("host", after=1.0, cpu=second, memory=60 - second, used_mb=2048)
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
    path.write_text(told)
    return path


def opened(browser: Browser, page: Path, steps: str, wide: int = 1300) -> dict[str, Any]:
    """Return what a reader who does these steps sees; fails when the page has an error or asks for anything."""
    driven = page.with_name("driven.html")
    data = '<script type="application/json"'
    driven.write_text(page.read_text().replace(data, DRIVER.replace("STEPS", steps) + data, 1))
    document, log = browser(driven, wide)
    title = re.search(r"<title>(\{.*?\})</title>", document)
    assert title, f"the page's script did not come to its end\n{log}"
    seen: dict[str, Any] = json.loads(html.unescape(title[1]))
    assert seen["errors"] == []
    assert seen["requests"] == []
    assert "CONSOLE" not in log
    assert seen["page"] <= seen["window"], "the page is wider than its window"
    return seen


def test_the_page_is_drawn_filtered_and_used_by_keyboard_without_an_error_or_a_request(browser, page):
    """Five thousand tests: the timeline drawn, the filter, the keys, the themes; no error, no request.

    External services: Docker (an image with a headless browser, where the machine has none)
    """
    seen = opened(browser, page, USED_WHOLLY)
    assert seen["samples"] == 60
    assert seen["host"] == "at 40.0 s: CPU 39 %, memory 21 % (2048 MiB)"
    assert seen["colours"] > 5
    assert 10 < seen["rows"] < 60
    failed = len(range(0, TESTS, 77))
    # A step, a container, a mark for each failure, and the critical path.
    assert seen["bars"] == TESTS + 2 + failed + seen["stretches"]
    assert seen["all"] == f"{TESTS} of {TESTS} tests"
    assert seen["found"] == f"2 of {TESTS} tests"
    assert seen["names"] == ["t77a.py", "t770a.py"]
    assert seen["without"] == f"{failed} of {TESTS} tests"
    assert seen["searching"]
    assert seen["selected"] == "t77a.py"
    assert "a.py::t77\nfailed in 0.050 s" in seen["about"]
    assert seen["opened"] == "failure-1"
    assert seen["only"] == f"{failed} of {TESTS} tests"
    lanes = [title for title, _ in seen["lanes"]]
    assert lanes == ["critical path", "failures", "set-up", "containers", "gw0", "gw1", "gw2", "gw3"]
    assert [told for _, told in seen["lanes"][1:4]] == ["a.py::t0", "set-up: engine", "sct-1"]
    assert seen["picked"].startswith("a.py::t7\npassed in 0.050 s")
    assert seen["marked"] == [None, "t7a.py"]
    assert seen["hushed"]
    assert seen["zoomed"]
    assert seen["near"]
    assert seen["themed"]


def test_the_page_of_a_real_run_opens(browser, project, tmp_path):
    """A run of `sct.py` with a failure and a skip, its page as the run has left it.

    External services: Docker (an image with a headless browser, where the machine has none)
    """
    project.write("unit_tests/test_wrong.py", "def test_wrong():\n    assert 1 == 2, 'sums are off </script>'\n")
    project.write("unit_tests/test_not.py", "import pytest\n\n@pytest.mark.skip('for now')\ndef test_not(): pass\n")
    folder = tmp_path / "reports"
    ended = project.sct("unit-tests", "-n", "2", "--report-dir", str(folder))
    assert ended.code == 1, ended.text
    seen = opened(browser, folder / "report.html", SEARCHED, wide=400)
    assert (seen["bars"] - seen["stretches"], seen["all"]) == (4, "3 of 3 tests")
    assert seen["names"] == ["test_wrongunit_tests/test_wrong.py"]
    assert "sums are off </script>" in seen["error"]
    assert seen["opened"]
