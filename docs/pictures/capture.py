"""Takes the terminal pictures of these pages from real runs: `python docs/pictures/capture.py [SCENE...]`.

A scene runs `sct.py` over a small project, in an emulated terminal, and keeps what is to be seen at given moments,
as text and as SVG. Scenes need a Docker engine with a node's image; `cold` starts a private one of its own, which needs
root, and has no image but the Debian that the node's is built on.
"""

import argparse
import functools
import io
import os
import re
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.text import Text

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from unit_tests.lib.emulated_terminal import EmulatedTerminal  # noqa: E402 - found by the line above

#: Seconds that a moment may take to come.
PATIENCE = 400.0
#: The folder of a project that lasts for one scene, and what stands for it in pictures, as many columns wide.
_PLACES = re.compile(re.escape(tempfile.gettempdir()) + r"/sct-\w{8}")
_HOME = "/home/me/sct-shop"
_FONTS = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)

TESTS = """
    import time

    import pytest

    pytestmark = pytest.mark.integration

    @pytest.mark.parametrize("rows", [1, 10, 100, 1000])
    def test_rows_are_read_back(docker_scylla, rows):
        '''External services: Docker (one node).'''
        with docker_scylla.cql_connection() as session:
            session.execute(
                "CREATE KEYSPACE shop WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}"
            )
            session.execute("CREATE TABLE shop.goods (id int PRIMARY KEY, name text)")
            for number in range(rows):
                session.execute("INSERT INTO shop.goods (id, name) VALUES (%s, %s)", (number, f"good {number}"))
            time.sleep(2)
            assert session.execute("SELECT count(*) FROM shop.goods").one().count == {wanted}

    def test_nodetool_status(docker_scylla):
        '''External services: Docker (one node).'''
        time.sleep(3)
        assert "UN" in docker_scylla.run_nodetool("status").stdout
"""


@dataclass(frozen=True)
class Moment:
    """A picture.

    Attributes:
        name: Of its file, after the scene's.
        seen: Pattern that is on the screen then.
        keys: What is typed once the picture is taken.
    """

    name: str
    seen: str
    keys: bytes = b""


@dataclass(frozen=True)
class Scene:
    """A run.

    Attributes:
        moments: When pictures are taken, in their order; one of the end is taken always.
        wanted: What the tests compare with.
        before: Command of `sct.py` that is run first, unseen, in a private engine of the scene's own; empty: the run
            has the engine that is there.
    """

    moments: tuple[Moment, ...] = ()
    wanted: str = "rows"
    before: tuple[str, ...] = ()


_TESTS_RUN = Moment("tests", r"[1-9]/5 done.*\d s")
SCENES = {
    "cold": Scene(
        (
            Moment("engine", r"engine +.*\d s\n"),
            Moment("images", r"image cassandra +(?!starting)\S.* \d\d s\n"),
            _TESTS_RUN,
        ),
        before=("images", "build", "base-bookworm"),
    ),
    "warm": Scene((Moment("set-up", r"(boot|waits for)"), _TESTS_RUN)),
    "failing": Scene((Moment("tests", r"[12] failed"),), wanted="rows + (rows == 10)"),
    "cancelled": Scene(
        (Moment("tests", r"[1-9]/5 done.*\d s", b"\x03"), Moment("asked", r"interrupted: no test")),
    ),
}
#: Width that pictures are taken at.
COLUMNS = 80


def take(name: str, scene: Scene, places: Path, *, columns: int, into: Path) -> int:
    """Take the pictures of one scene.

    Args:
        name: The scene's.
        scene: What happens in it.
        places: Folder for its project, and for what the run keeps.
        columns: Width of the terminal.
        into: Folder of the pictures.

    Returns:
        The run's exit code.
    """
    project, environ = _project(scene, places)
    sct = [sys.executable, str(ROOT / "sct.py")]
    if scene.before:
        subprocess.run([*sct, *scene.before], cwd=project, env=environ, check=True, timeout=PATIENCE)
    argv = [*sct, "integration-tests", "-n", "2", "--report-dir", "reports"]
    with EmulatedTerminal(argv, cwd=project, environ=environ, columns=columns) as terminal:
        for moment in scene.moments:
            terminal.wait_for(functools.partial(_is_seen, terminal, re.compile(moment.seen)), PATIENCE)
            keep(terminal, into / f"{name}-{moment.name}")
            if moment.keys:
                terminal.type(moment.keys)
        code = terminal.wait(PATIENCE)
        keep(terminal, into / f"{name}-end")
        (into / f"{name}-all.txt").write_text(terminal.text() + "\n")
    return code


def _is_seen(terminal: EmulatedTerminal, pattern: re.Pattern[str]) -> bool:
    return pattern.search("\n".join(terminal.shown()) + "\n") is not None


def _project(scene: Scene, places: Path) -> tuple[Path, dict[str, str]]:
    """Make the project of a scene; return it and the environment of its run."""
    project = places / "project"
    tests = project / "unit_tests" / "integration"
    tests.mkdir(parents=True, exist_ok=True)
    (project / "pytest.ini").write_text("[pytest]\naddopts = --no-header\n")
    (tests / "test_shop.py").write_text(textwrap.dedent(TESTS).replace("{wanted}", scene.wanted))
    outer = ("SCT_RUN", "SCT_JOURNAL", "SCT_BROKER", "SCT_S", "PYTEST_", "NO_COLOR")
    environ = {key: value for key, value in os.environ.items() if not key.startswith(outer)}
    # Of all scenes together: later ones know by the earlier ones how long tests take.
    environ["SCT_STATE_DIR"] = str(places / "s")
    if scene.before:
        environ.pop("DOCKER_HOST", None)
        environ |= {"SCT_ENGINE_DIR": str(places / "e"), "SCT_RUNTIME_DIR": str(places / "r")}
    return project, environ


def keep(terminal: EmulatedTerminal, file: Path) -> None:
    """Write what is on the screen as text and as SVG."""
    rows = terminal.shown()
    file.with_suffix(".txt").write_text("\n".join(rows) + "\n")
    console = Console(record=True, width=terminal.screen.columns, file=io.StringIO())
    for number in range(len(rows)):
        console.print(_row(terminal, number), no_wrap=True, crop=False, soft_wrap=True)
    # The reader's own fonts: a page that is opened asks no other machine for one.
    svg = _PLACES.sub(_HOME, _FONTS.sub("", console.export_svg(title="uv run sct.py integration-tests -n 2")))
    file.with_suffix(".svg").write_text("\n".join(line.rstrip() for line in svg.splitlines()) + "\n")


def _row(terminal: EmulatedTerminal, number: int) -> Text:
    text = Text()
    for place in range(terminal.screen.columns):
        cell = terminal.screen.buffer[number][place]
        colour = "yellow" if cell.fg == "brown" else cell.fg
        style = ("bold " if cell.bold else "") + (
            "" if colour == "default" else f"#{colour}" if _is_hex(colour) else colour
        )
        text.append(cell.data, style.strip())
    return text


def _is_hex(colour: str) -> bool:
    return re.fullmatch(r"[0-9a-f]{6}", colour) is not None


def main(arguments: Sequence[str]) -> None:
    """Take what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scenes", nargs="*", metavar="SCENE", help=f"one of {', '.join(SCENES)}; none: all")
    parser.add_argument("--into", type=Path, default=Path(__file__).parent, metavar="FOLDER")
    parser.add_argument("--columns", type=int, default=COLUMNS, metavar="N", help="width of the terminal; default: 80")
    asked = parser.parse_args(arguments)
    asked.into.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="sct-") as places:
        for name in asked.scenes or SCENES:
            code = take(name, SCENES[name], Path(places), columns=asked.columns, into=asked.into)
            sys.stdout.write(f"{name}: exit code {code}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
