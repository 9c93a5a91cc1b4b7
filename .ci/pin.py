#!/usr/bin/env python3
"""Pins every dependency, indirect ones too, in pyproject.toml.

    uv run --no-project .ci/pin.py            resolve anew within the ranges and write the pins
    uv run --no-project .ci/pin.py --check    fail (1) when pins and resolution differ

The lock file itself names the registry it was made with, so it stays out of version control; the pins
(`[tool.uv] constraint-dependencies`) give everyone the same versions.
"""

import pathlib
import re
import subprocess
import sys
import tomllib

ROOT = pathlib.Path(__file__).resolve().parent.parent
PROJECT = ROOT / "pyproject.toml"
BLOCK = re.compile(r"constraint-dependencies = \[\n(?:    .*\n)*\]\n")


def resolved() -> list[str]:
    """Return `name==version` of every package that uv resolves, sorted."""
    subprocess.run(["uv", "lock", "--quiet"], cwd=ROOT, check=True)
    packages = tomllib.loads((ROOT / "uv.lock").read_text())["package"]
    return sorted(f"{package['name']}=={package['version']}" for package in packages if "registry" in package["source"])


def main() -> int:
    """Write the pins, or check them."""
    text = PROJECT.read_text()
    if "--check" in sys.argv:
        written = tomllib.loads(text)["tool"]["uv"]["constraint-dependencies"]
        differing = sorted(set(written) ^ set(resolved()))
        if differing:
            print(f"pins differ from what uv resolves: {', '.join(differing)} -- run .ci/pin.py", file=sys.stderr)
        return 1 if differing else 0
    PROJECT.write_text(BLOCK.sub("constraint-dependencies = [\n]\n", text))
    (ROOT / "uv.lock").unlink(missing_ok=True)
    lines = "".join(f'    "{pin}",\n' for pin in resolved())
    PROJECT.write_text(BLOCK.sub(f"constraint-dependencies = [\n{lines}]\n", text))
    return 0


if __name__ == "__main__":
    sys.exit(main())
