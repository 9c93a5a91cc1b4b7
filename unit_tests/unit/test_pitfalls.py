"""docs/pitfalls.md shows what it says: before, its rule alone is broken; after, none is."""

import re
from pathlib import Path

import pytest

from sdcm.lint.linter import Linter
from sdcm.lint.rules import RULES
from sdcm.lint.source import parse

PAGE = Path(__file__).parents[2] / "docs" / "pitfalls.md"
_PITFALL = re.compile(
    r"^## (?P<id>A?P-\d) [^\n]*\((?P<rule>I\d\d)\)$.*?^Before:\n\n```python\n(?P<before>.*?)^```$"
    r".*?^After:\n\n```python\n(?P<after>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
PITFALLS = {match["id"]: match for match in _PITFALL.finditer(PAGE.read_text(encoding="utf-8"))}


def broken(text: str) -> set[str]:
    named = re.match(r"# (\S+\.py)\n", text)
    path = named[1] if named else "unit_tests/integration/test_example.py"
    return {finding.rule for finding in Linter().check(parse(Path("/nonexistent") / path, text))}


def test_every_pitfall_is_there() -> None:
    assert list(PITFALLS) == [*(f"P-{n}" for n in range(1, 9)), *(f"AP-{n}" for n in range(1, 4))]
    assert PAGE.read_text(encoding="utf-8").count("\n## ") == len(PITFALLS)
    assert {match["rule"] for match in PITFALLS.values()} <= RULES.keys()


@pytest.mark.parametrize("name", PITFALLS)
def test_before_breaks_its_rule_alone_and_after_breaks_none(name: str) -> None:
    pitfall = PITFALLS[name]
    assert broken(pitfall["before"]) == {pitfall["rule"]}
    assert broken(pitfall["after"]) == set()
