"""Outputs of real tools, kept in unit_tests/unit/stress/recorded; each file begins with `# Source:` lines."""

from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1] / "unit" / "stress" / "recorded"


def recorded(name: str) -> str:
    """Return a recorded output without the lines that say where it is from."""
    lines = (FOLDER / name).read_text(encoding="utf-8").splitlines(keepends=True)
    start = next(number for number, line in enumerate(lines) if not line.startswith("#"))
    assert start > 0, f"{name} does not say where it is from"
    return "".join(lines[start:])
