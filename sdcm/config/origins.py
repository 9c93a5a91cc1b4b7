"""Where the values of a configuration come from."""

import copy
from dataclasses import dataclass
from typing import Any

from sdcm.config.options import Options, annotation_of, is_secret
from sdcm.redaction import HIDDEN

BUILT_IN = "built-in default"
THE_TEST = "the test"


@dataclass(frozen=True)
class Setting:
    """One layer's say on an option.

    Attributes:
        origin: The place: `file:line`, a variable, `built-in default`, or `the test`.
        value: The option's value after that layer.
    """

    origin: str
    value: Any


@dataclass(frozen=True)
class Explanation:
    """Where an option's value comes from.

    Attributes:
        key: The option, dotted for a key of a mapping.
        type: Its type.
        description: What it means.
        value: Its value now.
        settings: Every layer that set it, the one that won last.
    """

    key: str
    type: str
    description: str
    value: Any
    settings: tuple[Setting, ...]


class Origins:
    """Every layer's say on every option and on the keys of mappings."""

    def __init__(self) -> None:
        self._settings: dict[str, list[Setting]] = {}

    def note(self, key: str, origin: str, value: Any) -> None:
        """Note what an option, or a key of a mapping, is after a layer."""
        self._settings.setdefault(key, []).append(Setting(origin, copy.deepcopy(value)))

    def explain(self, key: str, value: Any) -> Explanation:
        """Return all there is to tell about an option, secrets hidden.

        Args:
            key: The option, or `option.key`.
            value: What it is now.
        """
        option = key.partition(".")[0]
        settings = list(self._settings.get(key, ()))
        whole = self._settings.get(option) or [Setting(BUILT_IN, value)]
        if not settings or settings[-1].value != value:
            # A whole mapping was set, not this key of it alone.
            settings.append(Setting(whole[-1].origin, value))
        if is_secret(option):
            value, settings = HIDDEN, [Setting(setting.origin, HIDDEN) for setting in settings]
        description = Options.model_fields[option].description or ""
        return Explanation(key, type_name(option), description, value, tuple(settings))


def type_name(option: str) -> str:
    """Return an option's type as people write it."""
    annotation = annotation_of(option)
    text = annotation.__name__ if isinstance(annotation, type) and annotation in (str, int, bool) else str(annotation)
    return text.replace("typing.", "")
