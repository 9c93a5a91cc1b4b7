"""Installing what the machine lacks from the system's own packages (Debian and Ubuntu)."""

import os
import re
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from sdcm import process, process_status
from sdcm.environment.private_engine import programs
from sdcm.environment.step import Step
from sdcm.errors import DeadlinePassed, EnvironmentFailed, ServiceUnavailable

#: What a private engine needs, as packages.
ENGINE_PACKAGES = ("docker.io", "iptables", "iproute2")
#: What bootstrapping a base image needs.
BOOTSTRAP_PACKAGES = ("mmdebstrap", "debian-archive-keyring")
_SAY_EVERY = 2.0
#: Seconds to wait for another package manager; the one that starts a fresh virtual machine takes minutes.
_LOCK_DEADLINE = 300.0
_LOCK_PAUSE = 1.0
_LOCKED = re.compile(r"Unable to (?:lock directory|acquire the dpkg)|Could not get lock")


class PackagesLocked(EnvironmentFailed):
    """Another package manager is at work."""


def can_install(os_release: Path = Path("/etc/os-release")) -> str:
    """Say whether packages can be installed here.

    Returns:
        Empty when they can, else the reason.
    """
    if os.geteuid() != 0:
        return "only root can install packages"
    try:
        lines = os_release.read_text().splitlines()
    except OSError:
        return "this is no Debian or Ubuntu system"
    facts = {key: value.strip('"') for key, _, value in (line.partition("=") for line in lines)}
    families = {facts.get("ID", ""), *facts.get("ID_LIKE", "").split()}
    if not families & {"debian", "ubuntu"}:
        return f"{facts.get('PRETTY_NAME', 'this system')} is no Debian or Ubuntu"
    return "" if programs.locate("apt-get") else "apt-get is missing"


def command(packages: Sequence[str]) -> str:
    """Return the command that a user would type."""
    return f"apt-get install -y {' '.join(packages)}"


def install(packages: Sequence[str], step: Step) -> None:
    """Install packages, with progress.

    Once started, the installation is let finish whatever happens to this process: a package manager that was killed
    half-way leaves a broken system.

    Args:
        packages: Names of packages.
        step: Reported to; its log gets all output.

    Raises:
        ServiceUnavailable: Packages cannot be installed on this machine.
        EnvironmentFailed: The package manager failed.
        DeadlinePassed: It still runs after the step's deadline.
    """
    if reason := can_install():
        raise ServiceUnavailable(f"cannot install {', '.join(packages)}", why=reason, mend=command(packages))
    started = time.monotonic()
    options = ["-o", "DPkg::Lock::Timeout=120", "-o", "Dpkg::Options::=--force-confold"]
    _run_when_unlocked(["apt-get", "update"], step, started)
    wanted = [*packages, *_docker_client(packages)]
    _run_when_unlocked(["apt-get", "install", "-y", "--no-install-recommends", *options, *wanted], step, started)
    step.say(f"installed {', '.join(wanted)} in {time.monotonic() - started:.0f} s")


def _docker_client(packages: Sequence[str]) -> list[str]:
    """Return the package of the docker command where docker.io does not carry it (Debian 13 on)."""
    if "docker.io" not in packages or programs.locate("docker"):
        return []
    found = process.run(["apt-cache", "policy", "docker-cli"], timeout=60, check=False).stdout
    return ["docker-cli"] if "Candidate:" in found and "Candidate: (none)" not in found else []


def _run_when_unlocked(argv: Sequence[str], step: Step, started: float) -> None:
    """Run a package command; while another one (a step of ours, or the system's own) holds a lock, wait."""
    while True:
        try:
            _run_to_its_end(argv, step, started)
        except PackagesLocked as exc:
            if time.monotonic() - started > _LOCK_DEADLINE:
                raise
            step.say(f"waiting for another package manager: {exc.why}")
            time.sleep(_LOCK_PAUSE)
        else:
            return


def _run_to_its_end(argv: Sequence[str], step: Step, started: float) -> None:
    step.say(" ".join(argv))
    environ = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C", "PATH": programs.search_path()}
    begin = step.log.stat().st_size if step.log.exists() else 0
    child = process.spawn(argv, env=environ, log=step.log)
    said = time.monotonic()
    while not _ended(child):
        now = time.monotonic()
        if now - started > step.deadline:
            raise DeadlinePassed(f"`{' '.join(argv)}` still runs after {step.deadline:g} s; it is let finish")
        if now - said >= _SAY_EVERY:
            said = now
            step.say(f"{_last_line(step.log, begin)} ({now - started:.0f} s)")
    if child.returncode != 0:
        why = _last_line(step.log, begin)
        kind = PackagesLocked if _LOCKED.search(step.log.read_text(errors="replace")[begin:]) else EnvironmentFailed
        ending = process_status.ended(child.returncode)
        raise kind(f"`{' '.join(argv)}` {ending}", why=why, mend=f"see {step.log}")


def _ended(child: "subprocess.Popen[bytes]") -> bool:
    """Whether it has ended, or does within a moment."""
    try:
        child.wait(0.1)
    except subprocess.TimeoutExpired:
        return False
    return True


def _last_line(log: Path, begin: int) -> str:
    with log.open("rb") as file:
        file.seek(max(begin, log.stat().st_size - 4096))
        lines = file.read().decode(errors="replace").split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), "")
