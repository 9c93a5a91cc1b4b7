"""What lies outside the machine: registries, proxies, clouds; and what dead runs have left."""

import urllib.error
import urllib.request
from collections.abc import Iterator

from sdcm.environment.image_sources.references import REGISTRY_VARIABLE
from sdcm.environment.step import Step
from sdcm.errors import EnvironmentFailed
from sdcm.run import cleaning
from sdcm.run.doctor.finding import Finding, Fix, Machine
from sdcm.services.availability import cloud_availability
from sdcm.services.table import CLOUD_LABELS, LABELS

#: Docker Hub's own name in the registry protocol.
_HUB = "registry-1.docker.io"
_ANSWER = 4.0
_LOCAL = ("localhost", "127.0.0.1")


def registry(machine: Machine) -> Iterator[Finding]:
    """A registry that does not answer: images are then built here."""
    named = machine.environ.get(REGISTRY_VARIABLE, "").partition("/")[0]
    host = named or _HUB
    try:
        with urllib.request.urlopen(f"https://{host}/v2/", timeout=_ANSWER):
            reason = ""
    except urllib.error.HTTPError as exc:
        # 401 is how a registry greets one who has not logged in.
        reason = "" if exc.code in {401, 403, 404} else f"HTTP status {exc.code}"
    except (OSError, ValueError) as exc:
        cause = getattr(exc, "reason", "") or exc
        reason = getattr(cause, "strerror", "") or str(cause)
    if not reason:
        yield Finding("registry", "ok", f"{host} answers")
        return
    why = "images are built here instead of pulled, and Scylla's, which is only pulled, is not to be had"
    mend = f"export {REGISTRY_VARIABLE}=MIRROR, a registry that has Docker Hub's images"
    yield Finding("registry", "note", f"{host} does not answer: {reason}", why, mend)


def proxies(machine: Machine) -> Iterator[Finding]:
    """A proxy that tests' own connections to this machine would go through."""
    env = {name.lower(): value for name, value in machine.environ.items() if name.lower().endswith("_proxy") and value}
    set_here = sorted(name for name in ("http_proxy", "https_proxy", "all_proxy") if name in env)
    if not set_here:
        yield Finding("proxies", "ok", "none is set")
        return
    spared = {part.strip() for part in env.get("no_proxy", "").split(",")}
    if "*" in spared or spared.issuperset(_LOCAL):
        yield Finding("proxies", "ok", f"{', '.join(set_here)}; not for this machine")
        return
    why = "tests' requests to services on this machine go to the proxy, which does not know them"
    mend = f"export no_proxy={','.join(_LOCAL)}{',$no_proxy' if spared - {''} else ''}"
    missing = " and ".join(name for name in _LOCAL if name not in spared)
    yield Finding("proxies", "bad", f"{', '.join(set_here)} set, and no_proxy does not name {missing}", why, mend)


def credentials(machine: Machine) -> Iterator[Finding]:
    """Clouds whose credentials are missing or do not work."""
    for label in LABELS:
        if label in CLOUD_LABELS:
            verdict = cloud_availability(label, machine.environ)
            if verdict.available:
                yield Finding(label, "ok", "credentials work")
            else:
                mend = verdict.mend.partition(" (see ")[0]
                yield Finding(label, "note", verdict.reason, f"tests that need {label} are skipped", mend)


def leftovers(machine: Machine) -> Iterator[Finding]:
    """Containers, networks and directories of runs that were killed with all their processes."""
    try:
        found = cleaning.look(machine.places, machine.endpoint, None)
    except EnvironmentFailed:
        return
    candidates = found.candidates()
    if not candidates:
        yield Finding("leftovers", "ok", "nothing is left of dead runs")
        return
    kinds = sorted({candidate.kind for candidate in candidates})
    things = "1 thing of dead runs is" if len(candidates) == 1 else f"{len(candidates)} things of dead runs are"
    text = f"{things} left: {', '.join(kinds)}"

    def run(step: Step) -> None:
        left = found.remove(machine.places)
        if left:
            raise EnvironmentFailed("still there: " + "; ".join(map(str, left)), mend="sct.py clean")
        step.say(f"removed {len(candidates)}")

    why = "they hold memory, disk and addresses; the next run removes them, too"
    yield Finding("leftovers", "note", text, why, "sct.py clean", Fix("remove them", run))
