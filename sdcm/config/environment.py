"""`SCT_...` variables as a layer of configuration."""

import ast
import contextlib
import re
from collections.abc import Mapping
from typing import Any, get_args, get_origin

import yaml

from sdcm.config.layers import APPEND, Layer
from sdcm.config.options import IntOrInts, Options, TextOrTexts, annotation_of
from sdcm.config.problems import ConfigurationProblem

PREFIX = "SCT_"
#: Names the files of configuration: one path, or a list of them as Python or JSON writes it.
CONFIG_FILES = "SCT_CONFIG_FILES"

_NESTED = re.compile(r"SCT_([A-Z0-9_]+?)(?:\.|__)(.+)", re.DOTALL)
_TRUE, _FALSE = {"y", "yes", "t", "true", "on", "1"}, {"n", "no", "f", "false", "off", "0"}


def config_files(environ: Mapping[str, str]) -> list[str]:
    """Return the files that `SCT_CONFIG_FILES` names."""
    return file_list(environ.get(CONFIG_FILES, ""))


def file_list(text: str) -> list[str]:
    """Return the paths in a text: a single path, or a list literal of them."""
    text = text.strip()
    if not text:
        return []
    found = _literal(text)
    if isinstance(found, (list, tuple)):
        return [str(item) for item in found]
    return [text]


def environment_layer(environ: Mapping[str, str], so_far: Mapping[str, Any] | None = None) -> Layer:
    """Return what the environment sets.

    `SCT_N_DB_NODES=3` sets an option; `SCT_STRESS_IMAGE.ycsb=...` or `SCT_STRESS_IMAGE__ycsb=...` one key of a
    mapping (the second form wins), and numbers in that place build a list. A shell cannot export a name with a
    dash, so `__cassandra_stress` stands for the key `cassandra-stress` where there is one.

    Args:
        environ: Environment variables.
        so_far: Values of the earlier layers, to know the keys of mappings.

    Raises:
        ConfigurationProblem: A value does not parse as its option's type.
    """
    values: dict[str, Any] = {}
    variables: dict[str, str] = {}
    for name, key in _plain(environ):
        values[key] = _parsed(name, key, environ[name])
        variables[key] = name
    nested: dict[str, dict[str, str]] = {}
    for name, key, sub in _nested(environ):
        known = (so_far or {}).get(key)
        dashed = sub.replace("_", "-")
        leaf = dashed if isinstance(known, dict) and sub not in known and dashed in known else sub
        nested.setdefault(key, {})[leaf] = environ[name]
        variables[f"{key}.{leaf}"] = variables[key] = name
    for key, subs in nested.items():
        values[key] = _assembled(variables[key], key, values.get(key), subs)
    return Layer("environment", values, variables=variables)


def unsupported(environ: Mapping[str, str]) -> list[str]:
    """Return the `SCT_` variables that set no option, sorted; `SCT_CONFIG_FILES` is not among them."""
    used = {name for name, _ in _plain(environ)} | {name for name, _, _ in _nested(environ)}
    return sorted(name for name in environ if name.startswith(PREFIX) and name not in used and name != CONFIG_FILES)


def _plain(environ: Mapping[str, str]) -> list[tuple[str, str]]:
    return [(PREFIX + key.upper(), key) for key in Options.model_fields if PREFIX + key.upper() in environ]


def _nested(environ: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """Return variable, option and key of each nested variable; those with `__` last, so that they win."""
    found = []
    for name in environ:
        match = _NESTED.fullmatch(name)
        if match and match[1].lower() in Options.model_fields:
            found.append((name, match[1].lower(), match[2].lower()))
    return sorted(found, key=lambda row: ("." not in row[0], row[0]))


def _parsed(name: str, key: str, text: str) -> Any:
    try:
        return parse(annotation_of(key), text)
    except (ValueError, SyntaxError, yaml.YAMLError) as exc:
        raise _unparsable(name, key, str(exc)) from exc


def _unparsable(name: str, key: str, reason: str) -> ConfigurationProblem:
    return ConfigurationProblem(
        f"failed to parse {name} from environment variable",
        why=reason,
        mend=f"{key} is: {Options.model_fields[key].description}",
    )


def parse(annotation: Any, text: str) -> Any:
    """Return the value a text stands for in an option of this type; `++` at its start stays.

    Raises:
        ValueError: It does not stand for one.
    """
    text = text.strip()
    if annotation is bool:
        if text.lower() not in _TRUE | _FALSE:
            raise ValueError(f"{text!r} is neither true nor false")
        return text.lower() in _TRUE
    if annotation == IntOrInts:
        return _numbers(text)
    if int in (annotation, *get_args(annotation)):
        return int(text)
    if annotation in (TextOrTexts, list[str]):
        return _texts(annotation, text)
    return _structure(annotation, text) if get_origin(annotation) in (dict, list) else text


def _numbers(text: str) -> int | list[int]:
    """Return `3` as a number, `3 3` and `[3, 3]` as a list."""
    found = _literal(text)
    numbers = [int(item) for item in (found if isinstance(found, list) else text.split())]
    if not numbers:
        raise ValueError("a number is needed")
    return numbers[0] if len(numbers) == 1 else numbers


def _texts(annotation: Any, text: str) -> str | list[str]:
    found = _literal(text)
    if isinstance(found, list):
        return found
    return text if annotation == TextOrTexts or text.startswith(APPEND) else [text]


def _structure(annotation: Any, text: str) -> Any:
    """Return a mapping, or a list of mappings, written as a Python literal or as YAML."""
    found = _literal(text)
    if found is None:
        found = yaml.safe_load(text)
    if not isinstance(found, get_origin(annotation)):
        raise ValueError(f"a {get_origin(annotation).__name__} is needed, not {type(found).__name__}")  # noqa: TRY004
    return found


def _assembled(name: str, key: str, whole: Any, subs: Mapping[str, str]) -> Any:
    """Return an option's value with its nested variables in it."""
    annotation = annotation_of(key)
    if all(sub.isdigit() for sub in subs) and (
        get_origin(annotation) is list or annotation in (TextOrTexts, IntOrInts)
    ):
        item = {IntOrInts: int, TextOrTexts: str}.get(annotation) or get_args(annotation)[0]
        return [_parsed_item(name, key, item, subs[sub]) for sub in sorted(subs, key=int)]
    if get_origin(annotation) is not dict:
        raise _unparsable(name, key, "it is no mapping, so it has no keys")
    item = get_args(annotation)[1]
    return {**(whole or {}), **{sub: _parsed_item(name, key, item, text) for sub, text in subs.items()}}


def _parsed_item(name: str, key: str, annotation: Any, text: str) -> Any:
    try:
        return yaml.safe_load(text) if annotation is Any else parse(annotation, text)
    except (ValueError, yaml.YAMLError) as exc:
        raise _unparsable(name, key, str(exc)) from exc


def _literal(text: str) -> Any:
    """Return the Python literal a text is, None when it is none."""
    with contextlib.suppress(ValueError, SyntaxError, MemoryError, RecursionError):
        return ast.literal_eval(text)
    return None
