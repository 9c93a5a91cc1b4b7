"""The page of the linter's rules: what their code says of them."""

from collections.abc import Callable

from sdcm.lint.rule import Rule
from sdcm.lint.rules import RULES


def _shown(rule: Rule) -> str:
    head = f"### {rule.id}\n\n{rule.title}. {rule.why}\n"
    return f"{head}\nNot so:\n\n```py{rule.bad}```\n\nBut so:\n\n```py{rule.good}```\n"


def page(rows: Callable[..., str], made: str) -> str:
    """Return the page.

    Args:
        rows: Makes a table out of its head and its lines.
        made: The comment that says how the page is made.
    """
    table = rows(
        ("rule", "says", "at collection", "`--fix`", "advice"),
        (
            (
                f"[{rule.id}](#{rule.id.lower()})",
                rule.title,
                "yes" if rule.id in {"I01", "I02", "I03", "I04", "I07"} else "",
                "yes" if rule.fixable else "",
                "yes" if rule.advice else "",
            )
            for rule in RULES.values()
        ),
    )
    shown = "\n".join(_shown(rule) for rule in RULES.values())
    return f"""# Rules of integration tests

{made}

`uv run sct.py lint` checks them; it reads the files and imports nothing. They are for tests in unit_tests/integration
and unit_tests/acceptance, and for every test with the marker `integration`; I02, I06, I07, I17 and I23 are for all.

{table}
"At collection": under `sct.py`, and in plain pytest where the project says `sct = true`, a test that breaks the rule
ends the run before anything is set up, with one line that names file, line and remedy. Network, engines and their
programs are refused to files while they are imported (I07). I05 holds there by itself: whatever declares a cloud is
skipped where the cloud is not to be had.

A rule is let be by a comment at the line, above it, or at the head of the function, with the reason after it:

    # sct: ignore[I16] one worker is enough here

A comment without a reason is not heard, and one that lets nothing pass is itself a finding (I00). A file that is no
Python is E00.

{shown}"""
