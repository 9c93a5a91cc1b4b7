"""Why tests are skipped: I06."""

import ast
import re
from collections.abc import Iterator

from sdcm.lint.finding import Finding
from sdcm.lint.names import argument, dotted, resolve, strings
from sdcm.lint.rule import Rule, TestFile

_SHORTEST = 10
_LINK = re.compile(r"<?(?:https?://\S+|#\d+|[\w.-]+/[\w.-]+#\d+|[A-Z]+-\d+)>?")
_VARIABLE = re.compile(r"[A-Z][A-Z0-9]*_[A-Z0-9_]+")
_MARKERS = {"pytest.mark.skip", "pytest.mark.skipif"}


class ReasonGiven(Rule):
    """I06."""

    id = "I06"
    title = "A skip says what is missing"
    why = "Who reads the report cannot tell what to supply, and the census has nothing to count by."
    bad = '''
import os

import pytest


@pytest.mark.integration
@pytest.mark.services("azure")
@pytest.mark.skipif(not os.environ.get("AZURE_SUBSCRIPTION_ID"), reason="no azure")
def test_machines(params):
    """Machines are listed."""
'''
    good = '''
import os

import pytest


@pytest.mark.integration
@pytest.mark.services("azure")
@pytest.mark.skipif(not os.environ.get("AZURE_SUBSCRIPTION_ID"), reason="AZURE_SUBSCRIPTION_ID is not set")
def test_machines(params):
    """Machines are listed."""
'''

    def check(self, file: TestFile) -> Iterator[Finding]:
        """Yield skips without a reason, or with one that says nothing."""
        names = file.source.names
        if "skip" not in file.source.text:
            return
        called = {id(node.func) for node in file.source.nodes if isinstance(node, ast.Call)}
        for node in file.source.nodes:
            if isinstance(node, ast.Call):
                name = resolve(dotted(node.func), names)
                if name in _MARKERS or (name == "pytest.skip"):
                    yield from self._call(file, node, name)
            elif (
                isinstance(node, ast.Attribute) and id(node) not in called and resolve(dotted(node), names) in _MARKERS
            ):
                yield self.finding(file, node.lineno, _said("skip"))

    def _call(self, file: TestFile, call: ast.Call, name: str) -> Iterator[Finding]:
        place = None if name == "pytest.mark.skipif" else 0
        reason = argument(call, "reason", place) or argument(call, "msg")
        if name == "pytest.mark.skipif" and call.args and _is_text(call.args[0]) and reason is None:
            return  # an old string condition is its own reason
        if reason is None or any(keyword.arg is None for keyword in call.keywords):
            if not any(keyword.arg is None for keyword in call.keywords):
                yield self.finding(file, call.lineno, _said(name.rpartition(".")[2]))
            return
        if not _is_text(reason):
            return  # made elsewhere, for example a service's own verdict
        text = " ".join(str(part.value) for part in strings(reason)).strip()
        written = isinstance(reason, ast.Constant)
        if (written and len(text) < _SHORTEST) or not text or _LINK.fullmatch(text):
            yield self.finding(file, call.lineno, _said(name.rpartition(".")[2]))
        elif written and name == "pytest.mark.skipif":
            read = {str(part.value) for part in strings(call.args[0])} if call.args else set()
            variables = sorted(word for word in read if _VARIABLE.fullmatch(word))
            if variables and not any(variable in text for variable in variables):
                yield self.finding(file, call.lineno, f"skipif: name {' or '.join(variables)} in the reason")


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))


def _said(name: str) -> str:
    return f"{name}: give a reason that names what is missing"
