"""Whether a service is available here, and if not, why and what supplies it."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from sdcm.errors import SctError, ServiceUnavailable
from sdcm.program import as_typed, is_checkout
from sdcm.services.table import CLOUD_LABELS, REFERENCE_PAGE, Service, service


@dataclass(frozen=True)
class Verdict:
    """The answer for one service; its text is the reason tests are skipped with.

    Attributes:
        label: The service.
        available: Whether tests can use it.
        reason: Why not; empty when it is available.
        mend: What supplies it; empty when it is available.
    """

    label: str
    available: bool
    reason: str = ""
    mend: str = ""

    def __str__(self) -> str:
        """Return `label: reason -- mend`, or that it is available."""
        if self.available:
            return f"{self.label}: available"
        return str(SctError(self.label, why=self.reason, mend=self.mend))

    def require(self) -> None:
        """Do nothing when the service is available.

        Raises:
            ServiceUnavailable: It is not; the error's line is the verdict's text.
        """
        if not self.available:
            raise ServiceUnavailable(self.label, why=self.reason, mend=self.mend)


def available(label: str) -> Verdict:
    """Return the verdict for a service that is there."""
    return Verdict(service(label).label, available=True)


def unavailable(label: str, reason: str, mend: str = "") -> Verdict:
    """Return the verdict for a service that is not there.

    Args:
        label: The service.
        reason: What is missing.
        mend: What supplies it; what the service table says when empty.
    """
    row = service(label)
    return Verdict(row.label, available=False, reason=reason, mend=mend or _supply(row))


def cloud_availability(label: str, environ: Mapping[str, str]) -> Verdict:
    """Say whether credentials for a cloud are at hand.

    Looks at variables and at the files they name, and asks no network; `sdcm.cloud.probes` goes on from there.

    Args:
        label: One of `sdcm.services.table.CLOUD_LABELS`.
        environ: Environment variables.

    Raises:
        UsageProblem: There is no such label.
        ValueError: The label is no cloud's.
    """
    row = service(label)
    if not row.is_cloud:
        raise ValueError(f"{label} is brought up by the run, not found in the environment")
    return _by_variables(row, environ)


def needs_broker(labels: Iterable[str], environ: Mapping[str, str]) -> bool:
    """Whether tests with these labels need a broker: to bring their services up, or to see that clouds are left clean.

    Args:
        labels: What the tests need.
        environ: Environment variables.
    """
    return any(label not in CLOUD_LABELS or cloud_availability(label, environ).available for label in labels)


def _by_variables(row: Service, environ: Mapping[str, str]) -> Verdict:
    broken = ""
    for name in row.variables:
        value = environ.get(name, "").strip()
        if not value:
            continue
        missing = _missing_file(name, value, environ) if name in row.files else ""
        if not missing:
            return available(row.label)
        broken = broken or f"{name} names {missing}, which is no readable file"
    return unavailable(row.label, broken or _unset(row.variables))


def _missing_file(name: str, value: str, environ: Mapping[str, str]) -> str:
    """Return the first of the files a variable names if none of them can be read, else nothing."""
    parts = value.split(os.pathsep) if name == "KUBECONFIG" else [value]
    home = environ.get("HOME", "~")
    files = [Path(home + part[1:] if part.startswith("~/") else part) for part in parts if part]
    if any(file.is_file() and os.access(file, os.R_OK) for file in files):
        return ""
    return str(files[0]) if files else value


def _unset(variables: tuple[str, ...]) -> str:
    if len(variables) == 1:
        return f"{variables[0]} is not set"
    return f"neither {' nor '.join(variables)} is set"


def _supply(row: Service) -> str:
    return as_typed(f"{row.supply} (see {REFERENCE_PAGE if is_checkout() else '`sct.py doctor`'})")
