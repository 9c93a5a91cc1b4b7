"""Takes the terminal pictures of these pages from real runs: `python docs/pictures/capture.py [SCENE...]`.

A scene runs `sct.py` over a small project, in an emulated terminal, and keeps what is to be seen at given moments,
as text and as SVG. Scenes need a Docker engine (`cold` starts a private one of its own, which needs root).
"""

import argparse
import io
import os
import re
import sys
import tempfile
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.text import Text

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from unit_tests.lib.emulated_terminal import EmulatedTerminal  # noqa: E402 - found by the line above

#: Seconds that a moment may take to come.
PATIENCE = 400.0
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
        columns: Width of the terminal.
        moments: When pictures are taken, in their order; one of the end is taken always.
        wanted: What the tests compare with.
        own_engine: It has a private engine of its own, with no image.
        environ: Further variables.
    """

    columns: int
    moments: tuple[Moment, ...] = ()
    wanted: str = "rows"
    own_engine: bool = False
    environ: Mapping[str, str] = field(default_factory=dict)


_TESTS_RUN = Moment("tests", r"[1-9]/5 done.*\d s")
SCENES = {
    "cold": Scene(
        80,
        (Moment("images", r"image cassandra +(?!starting)\S.* \d\d s\n", b"\x03"),),
        own_engine=True,
    ),
    "warm": Scene(80, (Moment("set-up", r"(boot|waits for)"), _TESTS_RUN)),
    "wide": Scene(160, (Moment("tests", r"/5 done \| .*nodes"),)),
    "narrow": Scene(50, (Moment("tests", r"/5 done \| test"),)),
    "failing": Scene(80, (Moment("tests", r"[12] failed"),), wanted="rows + (rows == 10)"),
    "cancelled": Scene(
        80, (Moment("tests", r"/5 done \| .* booting", b"\x03"), Moment("asked", r"interrupted: no test"))
    ),
}


def take(name: str, scene: Scene, folder: Path) -> int:
    """Take the pictures of one scene; return the run's exit code."""
    with _project(scene) as (project, environ):
        argv = [sys.executable, str(ROOT / "sct.py"), "integration-tests", "-n", "2", "--report-dir", "reports"]
        with EmulatedTerminal(argv, cwd=project, environ=environ, columns=scene.columns) as terminal:
            for moment in scene.moments:
                pattern = re.compile(moment.seen)
                terminal.wait_for(
                    lambda terminal=terminal, pattern=pattern: pattern.search("\n".join(terminal.shown()) + "\n"),
                    PATIENCE,
                )
                keep(terminal, folder / f"{name}-{moment.name}")
                if moment.keys:
                    terminal.type(moment.keys)
            code = terminal.wait(PATIENCE)
            keep(terminal, folder / f"{name}-end")
            (folder / f"{name}-all.txt").write_text(terminal.text() + "\n")
    return code


@contextmanager
def _project(scene: Scene) -> Iterator[tuple[Path, dict[str, str]]]:
    """Make the project of a scene, and the environment of its run."""
    with tempfile.TemporaryDirectory(prefix="sct-") as folder:
        project = Path(folder, "project")
        (project / "unit_tests" / "integration").mkdir(parents=True)
        (project / "pytest.ini").write_text("[pytest]\naddopts = --no-header\n")
        tests = textwrap.dedent(TESTS).replace("{wanted}", scene.wanted)
        (project / "unit_tests" / "integration" / "test_shop.py").write_text(tests)
        outer = ("SCT_RUN", "SCT_JOURNAL", "SCT_BROKER", "SCT_S", "PYTEST_", "NO_COLOR")
        environ = {key: value for key, value in os.environ.items() if not key.startswith(outer)}
        if scene.own_engine:
            environ.pop("DOCKER_HOST", None)
            for place in ("ENGINE", "RUNTIME", "STATE"):
                environ[f"SCT_{place}_DIR"] = str(Path(folder, place[0].lower()))
        yield project, {**environ, **scene.environ}


def keep(terminal: EmulatedTerminal, file: Path) -> None:
    """Write what is on the screen as text and as SVG."""
    rows = terminal.shown()
    file.with_suffix(".txt").write_text("\n".join(rows) + "\n")
    console = Console(record=True, width=terminal.screen.columns, file=io.StringIO())
    for number in range(len(rows)):
        console.print(_row(terminal, number), no_wrap=True, crop=False, soft_wrap=True)
    # The reader's own fonts: a page that is opened asks no other machine for one.
    svg = _FONTS.sub("", console.export_svg(title="uv run sct.py integration-tests -n 2"))
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
    asked = parser.parse_args(arguments)
    asked.into.mkdir(parents=True, exist_ok=True)
    for name in asked.scenes or SCENES:
        sys.stdout.write(f"{name}: exit code {take(name, SCENES[name], asked.into)}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
