"""The table of causes, and the look at all of them."""

from collections.abc import Callable, Iterator, Sequence

from sdcm.errors import SctError
from sdcm.run.doctor import engine_causes, machine_causes, outside_causes, tool_causes
from sdcm.run.doctor.finding import Finding, Machine

Cause = Callable[[Machine], Iterator[Finding]]

#: In the order they are told: what everything stands on comes first.
CAUSES: tuple[Cause, ...] = (
    engine_causes.engine,
    engine_causes.rootless,
    engine_causes.capabilities,
    engine_causes.address_pool,
    engine_causes.clock,
    machine_causes.memory,
    machine_causes.disk,
    machine_causes.inotify,
    machine_causes.cgroup,
    machine_causes.ports,
    machine_causes.open_files,
    machine_causes.directories,
    tool_causes.python,
    tool_causes.kind,
    tool_causes.kubectl,
    tool_causes.mmdebstrap,
    tool_causes.images,
    outside_causes.leftovers,
    outside_causes.proxies,
    outside_causes.registry,
    outside_causes.credentials,
)


def diagnose(machine: Machine | None = None, causes: Sequence[Cause] = CAUSES) -> Iterator[Finding]:
    """Look for every cause; nothing is started or changed.

    Args:
        machine: The machine to look at; this one when omitted.
        causes: What to look for.

    Yields:
        A finding as soon as it is known; several for some causes, none where a cause cannot be here.
    """
    looked_at = machine or Machine.here()
    for cause in causes:
        name = cause.__name__.replace("_", " ")
        try:
            yield from cause(looked_at)
        except SctError as exc:
            yield Finding(name, "bad", exc.what, exc.why or "it could not be looked at", exc.mend)


def has_engine(findings: Sequence[Finding]) -> bool:
    """Whether integration tests can run here at all."""
    return any(finding.subject == "engine" and finding.ok for finding in findings)
