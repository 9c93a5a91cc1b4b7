"""Lints files: finds them, parses each once, asks every rule."""

import os
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from configparser import ConfigParser
from configparser import Error as ConfigError
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from sdcm.errors import UsageProblem
from sdcm.lint import suppressions
from sdcm.lint.finding import Finding
from sdcm.lint.rule import Rule, TestFile
from sdcm.lint.rules import RULES
from sdcm.lint.source import SourceFile, parse

#: Id of the finding for a file that cannot be read as Python.
UNREADABLE = "E00"
_LEFT_OUT = {"__pycache__", ".git", ".venv", "venv", "node_modules", ".tox", "build", "dist"}


@dataclass(frozen=True)
class Linted:
    """What linting gave.

    Attributes:
        files: How many files were read.
        tests: How many tests are in them.
        findings: In the order of files and lines.
    """

    files: int
    tests: int
    findings: tuple[Finding, ...]

    @property
    def errors(self) -> tuple[Finding, ...]:
        """The findings that are not mere advice."""
        return tuple(finding for finding in self.findings if not finding.advice)


class Linter:
    """Lints files of one or several projects."""

    def __init__(self, rules: Mapping[str, Rule] = RULES) -> None:
        """Take the rules to ask."""
        self._rules = rules
        self._conftests: dict[Path, SourceFile | None] = {}

    def lint(self, paths: Iterable[Path]) -> Linted:
        """Lint files, and the test files of folders.

        Raises:
            UsageProblem: A path does not exist.
        """
        findings: list[Finding] = []
        files = tests = 0
        for path in test_files(paths):
            files += 1
            source, found = self._file(path)
            findings += found
            tests += len(source.tests) if source else 0
        return Linted(files, tests, tuple(findings))

    def _file(self, path: Path) -> tuple[SourceFile | None, list[Finding]]:
        try:
            source = parse(path, path.read_text(encoding="utf-8"))
        except (SyntaxError, ValueError, OSError, RecursionError) as exc:
            reason = exc.msg if isinstance(exc, SyntaxError) else str(exc)
            line = exc.lineno if isinstance(exc, SyntaxError) and exc.lineno else 1
            return None, [Finding(UNREADABLE, str(path), line, f"cannot be read: {reason}")]
        return source, self.check(source)

    def check(self, source: SourceFile) -> list[Finding]:
        """Ask every rule about a parsed file, and heed its comments."""
        folder = source.path.absolute().parent
        source.plugin_acts = source.plugin_acts or plugin_acts(folder)
        source.conftests = [each for each in self._above(folder) if each.path.absolute() != source.path.absolute()]
        file = TestFile(source)
        found = [finding for rule in self._rules.values() for finding in rule.check(file)]
        comments = suppressions.find(source.text)
        if comments:
            reach = {each.node.lineno: range(each.first_line, each.node.lineno + 1) for each in source.functions}
            comments = [each for each in comments if not each.rules or set(each.rules) & self._rules.keys()]
            found = list(suppressions.apply(found, comments, source.lines, reach, str(source.path)))
        return sorted(set(found), key=lambda finding: (finding.line, finding.rule, finding.message))

    def _above(self, folder: Path) -> Iterator[SourceFile]:
        """Yield the `conftest.py` files in a folder and above it, up to the project's root."""
        root = project_root(folder)
        for each in (folder, *folder.parents):
            if each not in self._conftests:
                self._conftests[each] = _parsed(each / "conftest.py")
            if (conftest := self._conftests[each]) is not None:
                yield conftest
            if each == root:
                return


def _parsed(path: Path) -> SourceFile | None:
    try:
        return parse(path, path.read_text(encoding="utf-8"))
    except (OSError, SyntaxError, ValueError):
        return None


def test_files(paths: Iterable[Path]) -> Iterator[Path]:
    """Yield files as they are named, and for folders the test files and `conftest.py` files below them.

    Raises:
        UsageProblem: A path does not exist.
    """
    for path in paths:
        if path.is_dir():
            for folder, folders, names in os.walk(path):
                folders[:] = sorted(name for name in folders if name not in _LEFT_OUT)
                yield from (Path(folder) / name for name in sorted(names) if is_test_file(name))
        elif path.exists():
            yield path
        else:
            raise UsageProblem(f"no such file or folder: {path}")


test_files.__test__ = False  # type: ignore[attr-defined] # pytest would take it for a test


def is_test_file(name: str) -> bool:
    """Whether pytest looks for tests or fixtures in a file of this name."""
    return name.endswith(".py") and (name.startswith("test_") or name.endswith("_test.py") or name == "conftest.py")


@lru_cache(maxsize=1024)
def project_root(folder: Path) -> Path | None:
    """Return the nearest folder at or above one that holds a project's or pytest's configuration."""
    for each in (folder, *folder.parents):
        if (
            any((each / name).is_file() for name in ("pyproject.toml", "setup.cfg", "tox.ini"))
            or (each / ".git").exists()
        ):
            return each
    return None


@lru_cache(maxsize=1024)
def plugin_acts(folder: Path) -> bool:
    """Whether the configuration that pytest would use for a folder has `sct = true`."""
    root = project_root(folder)
    for each in (folder, *folder.parents):
        for name, section in (("pytest.ini", "pytest"), ("tox.ini", "pytest"), ("setup.cfg", "tool:pytest")):
            if (answer := _of_ini(each / name, section)) is not None:
                return answer
        if (answer := _of_toml(each / "pyproject.toml")) is not None:
            return answer
        if each == root:
            break
    return False


def _of_ini(path: Path, section: str) -> bool | None:
    if not path.is_file():
        return None
    parser = ConfigParser(interpolation=None)
    try:
        parser.read_string(path.read_text(encoding="utf-8"))
        return parser.getboolean(section, "sct", fallback=False) if parser.has_section(section) else None
    except (ConfigError, ValueError, OSError):
        return None


def _of_toml(path: Path) -> bool | None:
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8")).get("tool", {}).get("pytest", {})
    except (OSError, tomllib.TOMLDecodeError):
        return None
    options = table.get("ini_options", table)
    return options.get("sct") in {True, "true", "1"} if table else None
