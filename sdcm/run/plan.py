"""What must be brought up for the chosen tests, and what will be skipped: pure data."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sdcm.errors import ServiceUnavailable
from sdcm.run.options import RunOptions
from sdcm.scheduling.units import units
from sdcm.services.availability import Verdict
from sdcm.services.selected import NODE_IMAGE, SelectedTest
from sdcm.services.table import BROUGHT_UP, CLOUD_LABELS, LABELS


@dataclass(frozen=True)
class Plan:
    """What a run will do.

    Attributes:
        tests: The chosen tests.
        services: Label -> how many chosen tests need it.
        unavailable: Label -> why its tests will be skipped.
        images: Images that are made ready before tests need them.
        steps: Names of the set-up steps, in the order a reader expects.
        workers: Workers that will run.
        kubernetes: Where Kubernetes tests run.
        verdicts: What was found out about the clouds among them.
    """

    tests: tuple[SelectedTest, ...]
    services: dict[str, int]
    unavailable: dict[str, str]
    images: tuple[str, ...]
    steps: tuple[str, ...]
    workers: int
    kubernetes: str
    verdicts: Mapping[str, Verdict] = field(default_factory=dict)

    @property
    def to_bring_up(self) -> tuple[str, ...]:
        """Labels of the services that the broker brings up."""
        return tuple(label for label in BROUGHT_UP if label in self.services)

    @property
    def needs_broker(self) -> bool:
        """Whether something is to be brought up, or a cloud to be left clean."""
        return bool(self.to_bring_up) or any(
            label in CLOUD_LABELS and label not in self.unavailable for label in self.services
        )

    def to_record(self) -> dict[str, Any]:
        """Return the plan as JSON values."""
        return {
            "tests": [test.nodeid for test in self.tests],
            "services": self.services,
            "skips": {
                label: {"reason": reason, "tests": self.services[label]} for label, reason in self.unavailable.items()
            },
            "images": list(self.images),
            "steps": list(self.steps),
            "workers": self.workers,
        }

    def lines(self) -> list[str]:
        """Return the plan for a reader."""
        lines = [f"{_count(len(self.tests), 'test')} on {_count(self.workers, 'worker')}"]
        lines += [f"  needs     {label}: {_count(count, 'test')}" for label, count in self.services.items()]
        for label, reason in self.unavailable.items():
            lines.append(f"  skips     {_count(self.services[label], 'test')}: {reason}")
        lines += [f"  sets up   {step}" for step in self.steps] or ["  sets up   nothing"]
        return lines


def make_plan(
    options: RunOptions,
    tests: tuple[SelectedTest, ...],
    ask_clouds: Callable[[Iterable[str]], Mapping[str, Verdict]],
    *,
    workers: int,
) -> Plan:
    """Work out what the chosen tests need, and that no more than `workers` run them.

    Args:
        options: The run's options.
        tests: The chosen tests.
        ask_clouds: Says of clouds whether they can be used; asked about those that a test or `--require` names.
        workers: The most that may run.

    Raises:
        ServiceUnavailable: A required service is not available.
    """
    counts = Counter(label for test in tests for label in test.services)
    services = {label: counts[label] for label in LABELS if counts[label]}
    verdicts = ask_clouds(sorted(CLOUD_LABELS & {*services, *options.require}))
    for label in options.require:
        if label in verdicts and not verdicts[label].available:
            raise ServiceUnavailable(f"--require {label}", why=str(verdicts[label]))
    unavailable = {
        label: str(verdict) for label, verdict in verdicts.items() if label in services and not verdict.available
    }
    images = tuple(sorted({image for test in tests for image in test.images}))
    return Plan(
        tests=tests,
        services=services,
        unavailable=unavailable,
        images=images,
        steps=tuple(_steps(options, services, images)),
        workers=_workers(options, workers, tests),
        kubernetes="kubeconfig" if options.kubeconfig else "kind",
        verdicts=verdicts,
    )


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _steps(options: RunOptions, services: Mapping[str, int], images: Iterable[str]) -> list[str]:
    steps: list[str] = []
    kind = "kubernetes" in services and not options.kubeconfig
    if "docker" in services or kind:
        steps.append("engine")
    if "docker" in services:
        steps.append("network")
        steps += [f"image {_flavour(options) if image == NODE_IMAGE else image}" for image in images]
    if kind:
        steps += ["image kind-node", "kind", "cluster (Kind)"]
    elif "kubernetes" in services:
        steps.append(f"cluster of {options.kubeconfig}")
    # Tests may name the image of the run's own nodes, too, or the one that Kind's nodes are made of.
    return list(dict.fromkeys(steps))


def _flavour(options: RunOptions) -> str:
    """Return the node image as far as it is known before the engine is."""
    return "scylla or cassandra (--db auto)" if options.db == "auto" else options.db


def _workers(options: RunOptions, wanted: int, tests: Iterable[SelectedTest]) -> int:
    """Return the number of workers: never more than there are units to run."""
    return min(wanted, len(units(tuple(tests)))) if options.integration else wanted
