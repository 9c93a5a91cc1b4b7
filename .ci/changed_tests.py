"""Runs the unit tests that belong to some changed files: `changed_tests.py FILE...`.

A file of sdcm/ has its tests in unit_tests/unit/ under the same path; a changed test stands for itself.
"""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def tests_of(file: Path) -> list[Path]:
    """Return the unit tests of a file, given by its path in the repository."""
    if file.parts[0] == "unit_tests":
        return [file] if file.name.startswith("test_") and "integration" not in file.parts else []
    folder = Path("unit_tests/unit", *file.parts[1:-1])
    named = folder / f"test_{file.name}"
    # What has no test of its own name is tested with its package.
    return [named] if (ROOT / named).exists() else sorted((ROOT / folder).glob("test_*.py"))


def main() -> int:
    """Run them, and return pytest's verdict; there may be none to run."""
    found = {path for name in sys.argv[1:] for path in tests_of(Path(name))}
    chosen = sorted(str(path.relative_to(ROOT) if path.is_absolute() else path) for path in found)
    chosen = [path for path in chosen if (ROOT / path).exists()]
    if not chosen:
        return 0
    argv = [sys.executable, "-m", "pytest", "-q", "-n", "2", "-m", "not integration", *chosen]
    status = subprocess.run(argv, cwd=ROOT, check=False, timeout=900).returncode
    return 0 if status == 5 else status


if __name__ == "__main__":
    sys.exit(main())
