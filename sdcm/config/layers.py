"""Layers of configuration: where each comes from, how files are read, how values merge."""

import copy
import functools
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from sdcm.config.options import Options, is_appendable
from sdcm.config.problems import ConfigurationFileMissing, ConfigurationProblem, NotAppendable
from sdcm.near_names import did_you_mean

#: The project's own defaults, one file a layer.
DEFAULTS = Path(__file__).parent / "defaults"
APPEND = "++"


@dataclass(frozen=True)
class Layer:
    """Values from one place.

    Attributes:
        name: The place, for people.
        values: Option -> value as written.
        lines: Option, or `option.key`, -> number of the line it stands on, for files.
        variables: The same -> environment variable that set it, for the environment.
    """

    name: str
    values: Mapping[str, Any]
    lines: Mapping[str, int] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)

    def origin(self, key: str) -> str:
        """Return where exactly an option, or a key of a mapping, was set: `file:line`, a variable, or the name."""
        for name in (key, key.partition(".")[0]):
            if name in self.variables:
                return self.variables[name]
            if name in self.lines:
                return f"{self.name}:{self.lines[name]}"
        return self.name


@functools.cache
def _default_layer(name: str) -> Layer:
    return read_file(DEFAULTS / f"{name}.yaml", f"defaults/{name}.yaml")


def default_layer(name: str) -> Layer:
    """Return one file of defaults, an empty layer where there is none (not every backend has one)."""
    if not (DEFAULTS / f"{name}.yaml").is_file():
        return Layer(f"defaults/{name}.yaml", {})
    layer = _default_layer(name)
    return Layer(layer.name, copy.deepcopy(layer.values), layer.lines)


def find_file(name: str | Path, root: Path, named_by: str) -> Path:
    """Return the path of a configuration file.

    Args:
        name: Its path, relative to `root` or absolute.
        root: The project's root folder.
        named_by: Who asked for it, for the message.

    Raises:
        ConfigurationFileMissing: It is not there; the message names near ones.
    """
    path = root / Path(name).expanduser()
    if path.is_file():
        return path
    known = [str(file.relative_to(root)) for file in sorted((root / "test-cases").rglob("*.yaml"))]
    mend = did_you_mean(str(name), known, likeness=0.5) or f"paths are relative to {root}"
    raise ConfigurationFileMissing(f"Couldn't find config file: {name}", why=f"named by {named_by}", mend=mend)


def read_file(path: Path, shown: str) -> Layer:
    """Read one YAML file.

    Args:
        path: The file.
        shown: Its name in messages and origins.

    Raises:
        ConfigurationProblem: It cannot be read, is no YAML, or is no mapping of options; the message names the
            line.
    """
    try:
        text = path.read_text(encoding="utf-8")
        loader = yaml.SafeLoader(text)
        try:
            node = loader.get_single_node()
            _check_shape(node, shown)
            values = loader.construct_document(node) if node else None
        finally:
            loader.dispose()
    except (OSError, UnicodeDecodeError) as exc:
        reason = exc.strerror or str(exc) if isinstance(exc, OSError) else "it is not UTF-8 text"
        raise ConfigurationProblem(f"cannot read {shown}", why=reason, mend="mend the file or name another") from exc
    except yaml.MarkedYAMLError as exc:
        mark = exc.problem_mark or exc.context_mark
        place = f"{shown}:{mark.line + 1}" if mark else shown
        raise ConfigurationProblem(f"{place} is no valid YAML", why=exc.problem or "", mend="mend that line") from exc
    except yaml.YAMLError as exc:
        raise ConfigurationProblem(f"{shown} is no valid YAML", why=str(exc), mend="mend the file") from exc
    return Layer(shown, values or {}, _lines(node))


def _lines(node: yaml.Node | None) -> dict[str, int]:
    """Return the line of each option and, as `option.key`, of each key of a mapping below it."""
    lines: dict[str, int] = {}
    for key, value in node.value if isinstance(node, yaml.MappingNode) else ():
        lines[key.value] = key.start_mark.line + 1
        for leaf, _ in value.value if isinstance(value, yaml.MappingNode) else ():
            lines[f"{key.value}.{leaf.value}"] = leaf.start_mark.line + 1
    return lines


def _check_shape(node: yaml.Node | None, shown: str) -> None:
    """Let only a mapping with text keys, each once, pass; an empty file is an empty mapping."""
    if node is None or node.tag == "tag:yaml.org,2002:null":
        return
    mend = "write `option: value` lines"
    if not isinstance(node, yaml.MappingNode):
        raise ConfigurationProblem(f"{shown}:{node.start_mark.line + 1} is no mapping of options", mend=mend)
    seen: dict[Hashable, int] = {}
    for key, _ in node.value:
        line = key.start_mark.line + 1
        if key.tag == "tag:yaml.org,2002:merge":
            continue
        if key.tag != "tag:yaml.org,2002:str":
            raise ConfigurationProblem(f"{shown}:{line} has a key that is no text", mend=mend)
        if key.value in seen:
            why = f"it is on line {seen[key.value]} already"
            raise ConfigurationProblem(f"{shown}:{line} sets {key.value} again", why=why, mend="remove one of them")
        seen[key.value] = line


def merged(key: str, old: Any, new: Any) -> Any:
    """Return an option's value after a layer.

    Mappings merge key by key; a text that starts with `++` is added to the end as it stands, a list whose first
    item does so adds its items; anything else replaces.

    Args:
        key: The option.
        old: Its value so far.
        new: What the layer says.

    Raises:
        NotAppendable: `++` on an option that cannot be added to.
    """
    if isinstance(old, dict) and isinstance(new, dict):
        result = dict(old)
        for name, value in new.items():
            result[name] = merged(f"{key}.{name}", old.get(name), value)
        return result
    if isinstance(new, str) and new.startswith(APPEND):
        _require_appendable(key)
        rest = new.removeprefix(APPEND)
        return [*old, rest] if isinstance(old, list) else (old or "") + rest
    if isinstance(new, list) and new and isinstance(new[0], str) and new[0].startswith(APPEND):
        _require_appendable(key)
        first = new[0].removeprefix(APPEND)
        items = [first, *new[1:]] if first else new[1:]
        return [*_as_list(old), *items]
    return new


def _as_list(value: Any) -> Sequence[Any]:
    if isinstance(value, list):
        return value
    return [value] if value else []


def _require_appendable(key: str) -> None:
    if key not in Options.model_fields or not is_appendable(key):
        raise NotAppendable(f"Option {key} is not appendable", mend="give its whole value, without ++")
