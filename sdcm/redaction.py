"""Secrets are taken out of what is written down: the one place that knows what a secret looks like.

Two kinds are told: values that are known to be secret, because an environment variable, an option or a kubeconfig
names them so, wherever they turn up; and texts that look like a secret, whoever's it is: private keys, AWS key ids,
JSON web tokens, logins in URLs and headers, and what stands behind a name such as `password`.
"""

import base64
import binascii
import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

HIDDEN = "(hidden)"
#: Shorter texts are no secrets worth the name; hiding them wherever they turn up would eat harmless text.
SHORTEST = 6
#: Values that everybody knows; several are names of things that reports must name.
_WELL_KNOWN = frozenset(
    {
        "cassandra", "scylla", "docker", "kubernetes", "password", "passwd", "secret", "changeme", "testing", "default",
        "minioadmin", "localhost", "anonymous", "disabled", "enabled", "required", "optional", "hidden", HIDDEN,
    }
)  # fmt: skip
_WORD = r"pass(?:word|wd|phrase)|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|secret[_-]?key|client-key-data"
#: What comes behind such a word where only the place of a secret is told.
_PLACE = r"(?![\w-]*(?:file|path|dir|name)\b)"
#: Names of variables and options whose values are secret.
_SECRET_NAME = re.compile(
    rf"(?:{_WORD}|credentials?)(?:$|[_.-])|(?:^|[_.-])(?:pass|pwd|auth)(?:$|[_.-]config$)|^sshpass$", re.IGNORECASE
)
_SECRET_OPTION = re.compile(rf"^--[\w-]*(?:{_WORD}){_PLACE}[\w-]*$", re.IGNORECASE)
#: The working folder, and sockets, which such names hold too.
_NO_SECRETS = frozenset({"PWD", "OLDPWD", "SSH_AUTH_SOCK"})
# Behind a name that speaks of a secret: what is quoted; else a word that no code follows (a call, an attribute).
_NAMED = re.compile(
    rf"(?P<name>(?:{_WORD}){_PLACE}[\w-]*(?:\\?[\"'])?\s?[:=]\s?)"
    r"(?:(?P<quote>\\?[\"'])(?P<quoted>[^\"'\\]{3,}?)(?P=quote)"
    rf"|(?!-?\d+\b)(?P<bare>[^\s\"'\\(){{}}\[\],;&<>]{{{SHORTEST},}})(?![\w(\[.]))",
    re.IGNORECASE,
)
_OPTION = re.compile(rf"(--[\w-]*(?:{_WORD}){_PLACE}[\w-]*[ =])([^\s\"'-][^\s\"']*)", re.IGNORECASE)
_SHAPES: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL), HIDDEN),
    (re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"), HIDDEN),
    (re.compile(r"\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*"), HIDDEN),
    (re.compile(r"(://[^/\s:@\"']*:)[^/\s@\"']+@"), rf"\1{HIDDEN}@"),
    (re.compile(r"\b(Bearer|Basic) +[\w.~+/=-]{8,}"), rf"\1 {HIDDEN}"),
    (_OPTION, rf"\1{HIDDEN}"),
)
#: What any text that looks like it holds a secret has in it, in lower case: all that `_SHAPES` and `_NAMED` begin with.
_SIGNS = ("pass", "secret", "token", "key", "-----begin", "akia", "asia", "eyj", "://", "bearer", "basic")


def is_secret_name(name: str) -> bool:
    """Whether the value of an environment variable or option of this name is secret."""
    return name not in _NO_SECRETS and _SECRET_NAME.search(name) is not None


class Redactor:
    """Hides secrets in texts; it knows those it was told of, beside those that look like one."""

    def __init__(self, environ: Mapping[str, str] | None = None) -> None:
        """Know the secrets of these environment variables."""
        self._known: set[str] = set()
        self._pattern: re.Pattern[str] | None = None
        if environ is not None:
            self.learn_named(environ)

    def learn(self, values: Iterable[str]) -> None:
        """Know further secrets, each line of one, and how base64 writes it."""
        before = len(self._known)
        for value in values:
            parts = [value, *(line for line in value.splitlines() if len(line) >= 16)]
            for part in (part.strip() for part in parts):
                if len(part) >= SHORTEST and part.lower() not in _WELL_KNOWN and not _is_path(part):
                    self._known |= {part, base64.b64encode(part.encode()).decode()}
        if len(self._known) > before:
            longest_first = sorted(self._known, key=len, reverse=True)
            self._pattern = re.compile("|".join(map(re.escape, longest_first)))

    def learn_named(self, values: Mapping[str, Any]) -> None:
        """Know the values, mappings below them included, whose names say that they are secret."""
        self.learn(_named_secrets(values))

    def learn_kubeconfig(self, path: Path) -> None:
        """Know the keys, tokens and passwords of a kubeconfig; one that cannot be read holds none."""
        try:
            text = path.read_text(errors="replace")
        except OSError:
            return
        # Written as YAML in lines, or as JSON.
        found = re.findall(r"[\"']?\b(?:client-key-data|token|password)[\"']?\s*:\s*[\"']?([^\s\"',}]+)", text)
        decoded = []
        for value in found:
            try:
                decoded.append(base64.b64decode(value, validate=True).decode())
            except (binascii.Error, UnicodeDecodeError):
                continue
        self.learn([*found, *decoded])

    def text(self, text: str) -> str:
        """Return a text without its secrets."""
        if self._pattern is not None:
            text = self._pattern.sub(HIDDEN, text)
        plain = text.casefold()  # ten times faster than the shapes, and most texts hold nothing of the kind
        for sign in _SIGNS:
            if sign in plain:
                break
        else:
            return text
        for shape, hidden in _SHAPES:
            text = shape.sub(hidden, text)
        return _NAMED.sub(_hide_named, text)

    def value(self, value: Any) -> Any:
        """Return JSON values without the secrets of any text in them."""
        if isinstance(value, str):
            return self.text(value)
        if not value or isinstance(value, (int, float)):
            return value
        if isinstance(value, Mapping):
            return {key: self._under(str(key), inner) for key, inner in value.items()}
        if isinstance(value, (list, tuple)):
            # On a command line the secret is the word after its option.
            options = ["", *value][: len(value)]
            return [
                HIDDEN if isinstance(word, str) and _SECRET_OPTION.match(str(option)) else self.value(word)
                for option, word in zip(options, value, strict=True)
            ]
        return value

    def _under(self, name: str, value: Any) -> Any:
        return HIDDEN if isinstance(value, str) and value and is_secret_name(name) else self.value(value)

    def file(self, path: Path) -> None:
        """Take the secrets out of a log that nobody writes to any more; one that is not there stays so."""
        try:
            with path.open("r+", encoding="utf-8", errors="surrogateescape", newline="") as file:
                before = file.read()
                after = self.text(before)
                if after != before:
                    file.seek(0)
                    file.write(after)
                    file.truncate()
        except OSError:
            return


def _hide_named(match: re.Match[str]) -> str:
    quote = match["quote"] or ""
    return f"{match['name']}{quote}{HIDDEN}{quote}"


def _named_secrets(values: Mapping[str, Any]) -> Iterable[str]:
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _named_secrets(value)
        elif isinstance(value, (list, tuple)):
            for inner in value:
                yield from _named_secrets(inner) if isinstance(inner, Mapping) else ()
        elif isinstance(value, str) and value and is_secret_name(str(name)):
            yield value
            # A variable such as DOCKER_AUTH_CONFIG holds its secrets in JSON.
            if value.lstrip().startswith("{"):
                try:
                    inner = json.loads(value)
                except ValueError:
                    continue
                yield from _leaves(inner)


def _leaves(value: Any) -> Iterable[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _leaves(inner)


def _is_path(value: str) -> bool:
    """Whether a value only names where a secret is kept."""
    return value.startswith(("/", "~/")) and "\n" not in value and Path(value).expanduser().exists()
