"""`sct.py --help` against the help of a bare click command with as many options.

uv run python bench/command_line.py [--rounds 15]
"""

import argparse
import sys
import tempfile
from pathlib import Path

from measure import ROOT, Limit, begin, interleaved, medians, save, timed

CLAIM = "sct.py --help / bare click"
_BARE = """\
import click


@click.group()
@click.version_option("1")
def cli(): ...


@cli.command()
@click.option("-n", type=int, default=4)
def run(n): ...


cli()
"""


def main() -> None:
    """Measure, print and write results/command_line.json."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    asked = parser.parse_args()
    facts = begin("command_line", "20 seconds")
    with tempfile.TemporaryDirectory() as temporary:
        bare = Path(temporary) / "bare.py"
        bare.write_text(_BARE)
        sides = {
            "sct.py --help": lambda: timed([sys.executable, str(ROOT / "sct.py"), "--help"], cwd=ROOT),
            "bare click --help": lambda: timed([sys.executable, str(bare), "--help"], cwd=ROOT),
            "sct.py integration-tests --help": lambda: timed(
                [sys.executable, str(ROOT / "sct.py"), "integration-tests", "--help"], cwd=ROOT
            ),
        }
        taken = interleaved(sides, asked.rounds)
    median = medians(taken)
    ratio = median["sct.py --help"] / median["bare click --help"]
    save("command_line", facts, taken, {CLAIM: round(ratio, 3)}, {CLAIM: Limit(most=1.5)})


if __name__ == "__main__":
    main()
