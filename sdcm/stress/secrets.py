"""Passwords out of what logs, events and the journal show."""

import re
import shlex
from collections.abc import Iterable

HIDDEN = "***"


def hidden(text: str, secrets: Iterable[str]) -> str:
    """Return a command line with its passwords replaced, whether given as `password=x`, `-password x` or `--pw x`."""
    for secret in secrets:
        for shown in {secret, shlex.quote(secret)}:
            text = re.sub(rf"(pass(?:word)?|pw)(=| +){re.escape(shown)}(?=[\s'\")]|$)", rf"\1\2{HIDDEN}", text)
    return text
