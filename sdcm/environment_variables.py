"""Every environment variable that means something to us and is no option of `params`: the single list."""

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


#: Variables of our own.
OURS: tuple[Variable, ...] = (
    Variable(
        "SCT_CONFIG_FILES",
        "configuration files of `params`, in their order: one path, or a list as Python writes it; "
        "a test's `sct_config` marker wins",
    ),
    Variable(
        "SCT_RUNTIME_DIR",
        "sockets, kubeconfigs and certificates of live runs",
        "`/run/sct` for root, else `$XDG_RUNTIME_DIR/sct`",
    ),
    Variable("SCT_STATE_DIR", "ledgers, journals, reports and logs of the last runs", "`~/.local/state/sct`"),
    Variable("SCT_RUNS_KEPT", "runs whose journals, reports, logs and evidence stay", "20"),
    Variable("SCT_RUNS_MB", "MiB that the runs that stay may take together; the last one always stays", "1024"),
    Variable("SCT_CACHE_DIR", "downloaded or built tools", "`~/.cache/sct`"),
    Variable(
        "SCT_ENGINE_DIR",
        "data root of the private Docker engine, with its images",
        "`/var/lib/sct/engine` for root, else `engine` in the cache directory",
    ),
    Variable(
        "SCT_IMAGE_ARCHIVES",
        "folder with archives of `docker save` (`*.tar`), loaded before anything is pulled or built",
    ),
    Variable("SCT_IMAGE_REGISTRY", "registry (with an optional path) that has Docker Hub's images", "`docker.io`"),
    Variable(
        "SCT_DURATIONS",
        "file of durations to order and split tests by, shared with other machines; no run changes it",
        "what this machine has measured",
    ),
    Variable("SCT_SEED", "seed of the fixture `random_values`, a whole number", "another one each time"),
    Variable("SCT_SHARD", "this machine's share of the selection", internal=True),
    Variable("SCT_SUITE", "which command pytest collects for, `integration` or `unit`", internal=True),
    Variable("SCT_RUN", "id of the run that a process belongs to", internal=True),
    Variable("SCT_OWNED", "mark of a program that is ended with its run", internal=True),
    Variable("SCT_BROKER", "socket of the run's broker", internal=True),
    Variable("SCT_JOURNAL", "file of the run's journal", internal=True),
    Variable("SCT_SELECTION", "file of the run's selection", internal=True),
    Variable("SCT_VERDICTS", "which clouds are available, found out once for all workers", internal=True),
    Variable("SCT_SERVICES", "file with the states of the run's services", internal=True),
    Variable("SCT_RUNNER_PIPE", "descriptor of a pipe that ends with the runner", internal=True),
    Variable("SCT_GO_ON", "descriptors by which the runner tells a pytest that has collected to go on", internal=True),
    Variable("SCT_EXEC", "id of a command run in a container, by which all it started is found", internal=True),
    Variable("SCT_LEAKS", "what leaks do to the run: `error`, `warn`, `off`", internal=True),
    Variable("SCT_PLAIN", "set where pytest itself, not `sct.py`, opened the run", internal=True),
)

#: Variables of others that we heed as they do; those of the clouds are in the service table.
HEEDED: tuple[Variable, ...] = (
    Variable("DOCKER_HOST", "the Docker Engine to use, `unix://` or `tcp://`", "the current context's"),
    Variable("DOCKER_CONTEXT", "the Docker context to use where DOCKER_HOST is not set"),
    Variable("DOCKER_TLS_VERIFY", "whether a `tcp://` engine's certificate is verified"),
    Variable("DOCKER_CERT_PATH", "folder of the certificates for a `tcp://` engine", "`~/.docker`"),
    Variable("DOCKER_CONFIG", "folder of Docker's configuration, with contexts and registry logins", "`~/.docker`"),
    Variable("XDG_RUNTIME_DIR", "where the runtime directory lies for users other than root"),
    Variable("XDG_STATE_HOME", "where the state directory lies", "`~/.local/state`"),
    Variable("XDG_CACHE_HOME", "where the cache directory lies", "`~/.cache`"),
    Variable("SSL_CERT_FILE", "certificate authorities that image builds trust", "the system's bundle"),
    Variable("http_proxy", "proxy that pulls and builds go through (upper case too)"),
    Variable("https_proxy", "the same for https (upper case too)"),
    Variable("no_proxy", "hosts that no proxy is used for (upper case too)"),
    Variable("GITHUB_ACTIONS", "`true`: failures are annotated and the job's summary is written"),
    Variable("GITHUB_STEP_SUMMARY", "file of the job's summary in GitHub Actions"),
    Variable("GITLAB_CI", "set in GitLab's jobs: JUnit names attached files by their paths in the job's folder"),
    Variable("CI_PROJECT_DIR", "the folder of a GitLab job"),
    Variable("GITHUB_WORKSPACE", "checkout that annotations' paths start from", "the project's folder"),
)

#: Names a project may use for switches of its own tests.
TEST_PREFIX = "SCT_TEST_"


def is_known(name: str) -> bool:
    """Whether a variable that is no option of `params` means something here, or belongs to the project's tests."""
    return name.startswith(TEST_PREFIX) or any(variable.name == name for variable in OURS)
