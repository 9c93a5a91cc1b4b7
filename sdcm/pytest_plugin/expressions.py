"""Reads `-k` and `-m` before xdist starts its workers: each would tell of one that is wrong as a defect of its own."""

import pytest
from _pytest.mark import expression  # there is no public way to ask

from sdcm.pytest_plugin.session import acts, is_worker

#: What it raises depends on pytest's version.
_MISTAKES = (SyntaxError, getattr(expression, "ParseError", SyntaxError))


def pytest_configure(config: pytest.Config) -> None:
    """Look at both.

    Raises:
        pytest.UsageError: One cannot be read.
    """
    if is_worker(config) or not acts(config):
        return
    for option, text in (("-k", config.option.keyword), ("-m", config.option.markexpr)):
        try:
            if text.strip():
                expression.Expression.compile(text)
        except _MISTAKES as exc:
            raise pytest.UsageError(f"Wrong expression passed to '{option}': {text}: {exc}") from exc
