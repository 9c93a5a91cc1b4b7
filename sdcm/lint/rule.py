"""What every rule has in common."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import ClassVar

from sdcm.lint.creation import Creations
from sdcm.lint.finding import Edit, Finding
from sdcm.lint.functions import Function
from sdcm.lint.needs import Needs
from sdcm.lint.source import SourceFile


class TestFile:
    """A file with what the rules ask about it."""

    __test__ = False

    def __init__(self, source: SourceFile) -> None:
        """Look at a file."""
        self.source = source
        self.needs = Needs(source)
        self.creations = Creations(source, self.needs)

    @property
    def tests(self) -> tuple[Function, ...]:
        """Its tests."""
        return self.source.tests

    @property
    def integration_tests(self) -> Iterator[Function]:
        """Its tests that the rules of integration tests are for."""
        return (test for test in self.source.tests if self.source.is_integration(test))

    @property
    def integration_functions(self) -> Iterator[Function]:
        """Those tests, and the fixtures of a file that has such tests or is for them."""
        yield from self.integration_tests
        if self.source.room == "integration" or any(self.integration_tests):
            yield from self.source.fixtures


class Rule(ABC):
    """One rule.

    Attributes:
        id: Such as `I08`.
        title: The rule in a few words.
        why: What goes wrong where it is broken.
        bad: A file that breaks it, and no other rule of its kind.
        good: The same, mended.
        path: Where those files would lie.
        advice: Whether it only advises.
        fixable: Whether `--fix` can mend some of what it finds.
    """

    id: ClassVar[str]
    title: ClassVar[str]
    why: ClassVar[str]
    bad: ClassVar[str]
    good: ClassVar[str]
    path: ClassVar[str] = "unit_tests/integration/test_example.py"
    advice: ClassVar[bool] = False
    fixable: ClassVar[bool] = False

    @abstractmethod
    def check(self, file: TestFile) -> Iterator[Finding]:
        """Yield what breaks the rule in a file."""

    def finding(self, file: TestFile, line: int, message: str, *edits: Edit, needs_import: str = "") -> Finding:
        """Return a finding of this rule."""
        return Finding(self.id, str(file.source.path), line, message, self.advice, edits, needs_import)
