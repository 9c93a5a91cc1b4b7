"""Comments that let a rule be broken, with a reason: `# sct: ignore[I16] one worker is enough here`."""

import io
import tokenize
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from sdcm.lint.finding import Finding
from sdcm.services.rule_texts import COMMENT

#: Id of the finding for a comment that is itself wrong.
RULE = "I00"


@dataclass
class Suppression:
    """One comment.

    Attributes:
        line: Where it stands.
        rules: The ids it names.
        reason: Why.
        alone: Whether its line holds nothing else: it is then for the next line of code.
        used: Ids of findings it has let pass.
    """

    line: int
    rules: tuple[str, ...]
    reason: str
    alone: bool
    used: set[str] = field(default_factory=set)


def find(text: str) -> list[Suppression]:
    """Return the comments of a file that can be parsed; what stands in its strings is none."""
    if not COMMENT.search(text):
        return []
    found = []
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT and (match := COMMENT.search(token.string)):
            rules = tuple(word.strip() for word in (match["rules"] or "").strip("[]").split(",") if word.strip())
            alone = token.line.lstrip().startswith("#")
            found.append(Suppression(token.start[0], rules, match["reason"].strip(" -:"), alone))
    return found


def apply(
    findings: Iterable[Finding], comments: list[Suppression], lines: list[str], reach: Mapping[int, range], path: str
) -> Iterator[Finding]:
    """Yield the findings that no comment lets pass, and one for each comment that is wrong or lets nothing pass.

    Args:
        findings: What the rules found.
        comments: The file's comments, see `find`.
        lines: Its lines.
        reach: Line of each function's `def` -> its decorators' lines and the `def` itself.
        path: The file's path.
    """
    by_line: dict[int, list[Suppression]] = {}
    for comment in comments:
        for line in _covered(comment, lines, reach):
            by_line.setdefault(line, []).append(comment)
    for finding in findings:
        heard = [c for c in by_line.get(finding.line, ()) if finding.rule in c.rules and c.reason]
        for comment in heard:
            comment.used.add(finding.rule)
        if not heard:
            yield finding
    for comment in comments:
        if wrong := _wrong(comment):
            yield Finding(RULE, path, comment.line, wrong)


def _covered(comment: Suppression, lines: list[str], reach: Mapping[int, range]) -> set[int]:
    """Return the lines that a comment is for: its own or the next of code, with the whole head of a function."""
    line = comment.line
    if comment.alone:
        while line < len(lines) and (not lines[line - 1].strip() or lines[line - 1].lstrip().startswith("#")):
            line += 1
    for head in reach.values():
        if line in head:
            return {comment.line, *head}
    return {comment.line, line}


def _wrong(comment: Suppression) -> str:
    if not comment.rules:
        return "sct: ignore names no rule -- write `# sct: ignore[I16] reason`"
    listed = ",".join(comment.rules)
    if not comment.reason:
        return f"sct: ignore[{listed}] without a reason is not heard -- say why after the bracket"
    unused = [rule for rule in comment.rules if rule not in comment.used]
    return f"sct: ignore[{','.join(unused)}] lets nothing pass -- remove it" if unused else ""
