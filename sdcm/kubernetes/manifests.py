"""What `apply` accepts, read into objects."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from sdcm.errors import UsageProblem

#: What a test may hand to `apply`: the path of a YAML file, YAML text, an object, or several objects.
Manifest = Path | str | Mapping[str, Any] | Iterable[Mapping[str, Any]]

_VALUE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
#: These are made first: the others may need them.
_FIRST = ("Namespace", "CustomResourceDefinition")


def read(source: Manifest, values: Mapping[str, str] | None = None) -> list[dict[str, Any]]:
    """Return the objects of a manifest, those that others need first.

    Args:
        source: Path of a YAML file, YAML text (it has a line break or a colon followed by a space), an
            object, or several objects.
        values: What `${NAME}` in a file or text stands for; only in these is it replaced.

    Raises:
        UsageProblem: There is no such file, it is no YAML, a value is missing, or it holds no object.
    """
    where = "the manifest"
    if isinstance(source, str | Path):
        where, text = _text(source)
        objects = _parse(_filled(text, values or {}, where), where)
    else:
        objects = [dict(source)] if isinstance(source, Mapping) else [dict(item) for item in source]
    flat: list[dict[str, Any]] = []
    for item in objects:
        flat += [dict(each) for each in item["items"]] if _is_list(item) else [item]
    for item in flat:
        name = (item.get("metadata") or {}).get("name") or (item.get("metadata") or {}).get("generateName")
        if not (item.get("apiVersion") and item.get("kind") and name):
            raise UsageProblem(f"{where} holds something that is no Kubernetes object",
                               why=f"apiVersion, kind or metadata.name is missing in {str(item)[:120]}")  # fmt: skip
    if not flat:
        raise UsageProblem(f"{where} holds no object")
    return sorted(flat, key=lambda item: _FIRST.index(item["kind"]) if item["kind"] in _FIRST else len(_FIRST))


def _is_list(item: Mapping[str, Any]) -> bool:
    return str(item.get("kind", "")).endswith("List") and isinstance(item.get("items"), list)


def _text(source: str | Path) -> tuple[str, str]:
    """Return what to call the source, and its text."""
    if isinstance(source, str) and ("\n" in source or ": " in source):
        return "the manifest", source
    path = Path(source)
    try:
        return str(path), path.read_text()
    except OSError as exc:
        raise UsageProblem(f"the manifest {path} cannot be read", why=exc.strerror or str(exc)) from exc


def _filled(text: str, values: Mapping[str, str], where: str) -> str:
    def value(match: re.Match[str]) -> str:
        if match[1] not in values:
            mend = f"pass values={{{match[1]!r}: ...}}"
            raise UsageProblem(f"{where} asks for {match[0]}, which has no value", mend=mend)
        return str(values[match[1]])

    return _VALUE.sub(value, text) if values else text


def _parse(text: str, where: str) -> list[dict[str, Any]]:
    import yaml

    try:
        documents = list(yaml.safe_load_all(text))
    except yaml.YAMLError as exc:
        raise UsageProblem(f"{where} is no YAML", why=str(exc)) from exc
    found = [item for item in documents if item is not None]
    if not all(isinstance(item, dict) for item in found):
        raise UsageProblem(f"{where} holds something that is no Kubernetes object")
    return found
