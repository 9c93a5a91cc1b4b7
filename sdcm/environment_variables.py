"""Every environment variable of ours that is no option of `params`: the single list, for docs and checks."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Variable:
    """One environment variable.

    Attributes:
        name: Its name.
        meaning: What it does.
        default: What holds without it; empty for nothing.
        internal: Whether only our own processes set it, for one another.
    """

    name: str
    meaning: str
    default: str = ""
    internal: bool = False


VARIABLES: tuple[Variable, ...] = (
    Variable(
        "SCT_CONFIG_FILES",
        "configuration files of `params`, in their order: one path, or a list as Python writes it; "
        "the marker `sct_config` wins",
    ),
    Variable(
        "SCT_RUNTIME_DIR",
        "sockets, kubeconfigs and certificates of live runs",
        "`/run/sct` for root, else `$XDG_RUNTIME_DIR/sct`",
    ),
    Variable("SCT_STATE_DIR", "ledgers, journals, reports and logs of the last runs", "`~/.local/state/sct`"),
    Variable("SCT_CACHE_DIR", "downloaded or built tools", "`~/.cache/sct`"),
    Variable(
        "SCT_ENGINE_DIR",
        "data root of the private Docker engine, with its images",
        "`/var/lib/sct/engine` for root, else below the cache",
    ),
    Variable("SCT_IMAGE_REGISTRY", "registry that images are pulled from in place of their own"),
    Variable("SCT_RUN", "id of the run that a process belongs to", internal=True),
    Variable("SCT_BROKER", "socket of the run's broker", internal=True),
    Variable("SCT_JOURNAL", "file of the run's journal", internal=True),
    Variable("SCT_SELECTION", "file of the run's selection", internal=True),
    Variable("SCT_SERVICES", "services that the run brings up", internal=True),
    Variable("SCT_PLAIN", "set where pytest was started without `sct.py`", internal=True),
)

#: Names a project may use for switches of its own tests.
TEST_PREFIX = "SCT_TEST_"


def is_known(name: str) -> bool:
    """Whether a variable that is no option of `params` means something here, or belongs to the project's tests."""
    return name.startswith(TEST_PREFIX) or any(variable.name == name for variable in VARIABLES)
