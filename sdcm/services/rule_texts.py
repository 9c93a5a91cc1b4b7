"""What the linter and the collecting pytest say of a test that breaks the rules they share."""

import re
from collections.abc import Iterable

from sdcm.near_names import did_you_mean, question
from sdcm.services.table import LABELS, near_labels, service

_LABELS = "/".join(LABELS)
#: A comment that lets rules be broken: `# sct: ignore[I16] reason`.
COMMENT = re.compile(r"#\s*sct:\s*ignore(?P<rules>\[[^\]]*\])?(?P<reason>.*)$", re.MULTILINE)


def ignored(text: str) -> list[frozenset[str]]:
    """Return the rules that the comments in some source let be broken; one without a reason lets none."""
    found = COMMENT.finditer(text)
    return [frozenset(re.findall(r"\w+", match["rules"] or "")) for match in found if match["reason"].strip(" -:")]


def unmarked(test: str) -> str:
    """I01: a test among the integration tests lacks the marker."""
    return f"{test}: add @pytest.mark.integration (otherwise it runs in unit-tests)"


def misplaced(test: str) -> str:
    """I02: a test with the marker lies elsewhere."""
    return f"{test}: integration tests belong in integration/ of the tests -- move the file, or drop the marker"


def undeclared(test: str) -> str:
    """I03: a test does not say what it needs."""
    return (
        f"{test}: declare external services ({_LABELS}) -- add `External services: ...` to its docstring"
        ' or @pytest.mark.services("...")'
    )


def no_fixture(test: str, name: str, known: Iterable[str]) -> str:
    """I03: a test asks for a fixture that is not there, so nobody can tell what it needs."""
    hint = did_you_mean(name, sorted(known)) or "`pytest --fixtures` lists them"
    return f"{test}: there is no fixture {name!r} -- {hint}"


def unknown(test: str, words: Iterable[str]) -> str:
    """I04: what a test declares is no service."""
    listed = list(words)
    near = near_labels(listed[0]) if len(listed) == 1 else ()
    hint = question(near) or f"known: {', '.join(LABELS)}"
    return f"{test}: {', '.join(map(repr, listed))} names no service -- {hint}"


def uses(test: str, label: str, what: str) -> str:
    """I04: a test uses a service that it does not declare."""
    return f"{test}: uses {label} ({what}) but does not declare it -- add @pytest.mark.services({label!r})".replace(
        f"({label!r})", f'("{label}")'
    )


def unguarded(test: str, label: str) -> str:
    """I05: nothing skips a test where a cloud's credentials are missing."""
    variables = " or ".join(service(label).variables)
    return f'{test}: add skipif on {variables} with a reason, or @pytest.mark.services("{label}")'


def while_importing(what: str) -> str:
    """I07: a file reaches out when it is imported."""
    return f"{what}: move this out of collection time -- into a fixture or the test"
