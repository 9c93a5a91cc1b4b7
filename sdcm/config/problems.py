"""What can be wrong with a configuration: wrong usage, and also the built-in error test authors catch."""

from collections.abc import Iterable

from sdcm.errors import UsageProblem
from sdcm.near_names import did_you_mean


class ConfigurationProblem(UsageProblem, ValueError):
    """An unknown key, a value of the wrong type, or values that do not go together."""


class ConfigurationFileMissing(UsageProblem, FileNotFoundError):
    """A named configuration file is not there."""


class NotAppendable(ConfigurationProblem, AssertionError):
    """`++` was used on an option that is neither text nor a list."""


def unknown_item(key: str, known: Iterable[str], origin: str = "") -> ConfigurationProblem:
    """Return the error for a key that is none; it names near ones.

    Args:
        key: The key.
        known: Keys there are.
        origin: Where it was written.
    """
    return ConfigurationProblem(
        f"Unknown configuration item={key!r}",
        why=f"set by {origin}" if origin else "",
        mend=did_you_mean(key, known) or "docs/reference/configuration.md lists all",
    )


def unsupported_variables(names: Iterable[str], known: Iterable[str]) -> ConfigurationProblem:
    """Return the error for environment variables that nothing uses; it names near ones."""
    names, known = list(names), list(known)
    near = [f"{name}: {meant}" for name in names if (meant := did_you_mean(name, known, most=1))]
    return ConfigurationProblem(
        f"Unsupported environment variables were used: {', '.join(names)}", mend="; ".join(near) or "unset them"
    )
