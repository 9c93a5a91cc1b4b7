"""What the user asked for, as one frozen value."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from sdcm.run.on_kubernetes.asked import OnKubernetes
    from sdcm.scheduling.shards import Shard


@dataclass(frozen=True)
class RunOptions:
    """Options of `unit-tests` and `integration-tests`.

    Attributes:
        command: Which of the two.
        tests: Files, folders and node ids as given; empty: the project's whole folder of tests.
        workers: xdist workers; 0 runs in one process, None lets the runner choose.
        workers_asked: The number was asked for; else one process does where a worker would be alone.
        keyword: pytest's `-k` expression.
        marks: pytest's `-m` expression, joined with the command's own.
        junit_xml: Where to write JUnit besides the report folder.
        report_dir: Folder for reports; None: the run's state directory.
        repeat: How often the selection runs.
        shard: This machine's share of the tests; None for all of them.
        plan_only: Print the plan and stop.
        as_json: Print the plan as JSON.
        setup: Packages may be installed.
        require: Services that must be available.
        allow_all_skipped: A run in which everything was skipped is fine.
        db: Node flavour.
        kubeconfig: Cluster to use instead of Kind; empty: Kind.
        leaks: What a leaking test does to the exit code: `error` (79), `warn` (it is only told), `off` (nobody looks).
        fresh_nodes: Hand no node from one test to another.
        keep: Leave the environment.
        keep_failed: Leave what failed tests used.
        keep_for: Seconds either stays then.
        test_timeout: Seconds that a test's body may take; None: what the project or the default says.
        verbosity: -1 less, 0 normal, 1 more.
        pytest_args: Passed to pytest untouched.
        on: The pods of a cluster that run the tests, a share each; None: this machine runs them.
    """

    command: Literal["unit-tests", "integration-tests"]
    tests: tuple[str, ...] = ()
    workers: int | None = 4
    workers_asked: bool = True
    keyword: str = ""
    marks: str = ""
    junit_xml: Path | None = None
    report_dir: Path | None = None
    shard: "Shard | None" = None
    repeat: int = 1
    plan_only: bool = False
    as_json: bool = False
    setup: bool = False
    require: tuple[str, ...] = ()
    allow_all_skipped: bool = False
    db: Literal["auto", "scylla", "cassandra"] = "auto"
    kubeconfig: str = ""
    leaks: Literal["error", "warn", "off"] = "error"
    fresh_nodes: bool = False
    keep: bool = False
    keep_failed: bool = False
    keep_for: float = 4 * 3600.0
    test_timeout: float | None = None
    verbosity: int = 0
    pytest_args: tuple[str, ...] = ()
    on: "OnKubernetes | None" = None

    @property
    def integration(self) -> bool:
        """Whether services are brought up."""
        return self.command == "integration-tests"

    @property
    def suite(self) -> str:
        """The kind of tests: `integration` or `unit`."""
        return "integration" if self.integration else "unit"

    @property
    def marker_expression(self) -> str:
        """The command's marker expression, joined with the user's."""
        own = "integration" if self.integration else "not integration"
        return f"({own}) and ({self.marks})" if self.marks else own
