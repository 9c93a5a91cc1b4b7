"""Programs that are missing, too old or too new, and images that have to be made."""

import json
import platform
import re
import shutil
from collections.abc import Iterator

from sdcm import process
from sdcm.environment import packages
from sdcm.environment.catalogue import Catalogue
from sdcm.environment.engine import Engine
from sdcm.environment.images import Images
from sdcm.environment.kind_binary import on_path, platform_name
from sdcm.environment.private_engine import programs
from sdcm.environment.step import Step
from sdcm.errors import EnvironmentFailed, SctError
from sdcm.run.doctor.finding import Finding, Fix, Machine

_TIMEOUT = 10.0
_OLDEST_PYTHON = (3, 11)
#: The first uv that knows dependency groups, in which a project names this package.
_OLDEST_UV = (0, 4, 27)
#: Minor versions by which kubectl may differ from a cluster: https://kubernetes.io/releases/version-skew-policy/#kubectl
_SKEW = 1


def _version(argv: list[str], environ: dict[str, str]) -> str:
    try:
        return process.run(argv, timeout=_TIMEOUT, env=environ, check=False).stdout
    except EnvironmentFailed:
        return ""


def _which(machine: Machine, name: str) -> str | None:
    return shutil.which(name, path=machine.environ.get("PATH", ""))


def python(machine: Machine) -> Iterator[Finding]:
    """A Python that is too old, or no uv or an old one."""
    version = tuple(map(int, platform.python_version_tuple()[:2]))
    if version < _OLDEST_PYTHON:
        mend = "uv python install 3.11"
        yield Finding("Python", "bad", platform.python_version(), "the runner needs Python 3.11 or newer", mend)
    else:
        yield Finding("Python", "ok", platform.python_version())
    program = _which(machine, "uv")
    told = _version([program, "--version"], dict(machine.environ)) if program else ""
    found = re.search(r"(\d+)\.(\d+)\.(\d+)", told)
    if found and tuple(map(int, found.groups())) >= _OLDEST_UV:
        yield Finding("uv", "ok", found[0])
        return
    text = f"{found[0]} is older than {'.'.join(map(str, _OLDEST_UV))}" if found else "not on PATH"
    why = "the commands of the documentation are typed as `uv run ...`"
    yield Finding("uv", "note", text, why, "pip install --upgrade uv")


def kind(machine: Machine) -> Iterator[Finding]:
    """A kind program on PATH that is not used, for its version does not fit our nodes."""
    program = shutil.which("kind")
    newest = Catalogue.load().entry("kind").args["KIND_VERSION"]
    if program is None or on_path(newest):
        where = program or "not on PATH: the cached, released or built one is used"
        yield Finding("kind", "ok", where)
        return
    told = " ".join(_version([program, "version"], dict(machine.environ)).split()) or "tells no version"
    why = f"versions 0.30.0 to {newest} fit our nodes; another one is passed over, and one is downloaded or built"
    mend = f"go install sigs.k8s.io/kind@v{newest}"
    yield Finding("kind", "note", f"{program}: {told}", why, mend)


def kubectl(machine: Machine) -> Iterator[Finding]:
    """A kubectl on PATH that is too far from the cluster's version for debugging by hand."""
    program = _which(machine, "kubectl")
    if program is None:
        return
    told = _version([program, "version", "--client", "--output=json"], dict(machine.environ))
    wanted = Catalogue.load().entry("kind-node").args["KUBERNETES_VERSION"]
    try:
        version = str(json.loads(told)["clientVersion"]["gitVersion"]).removeprefix("v")
        away = abs(int(version.split(".")[1]) - int(wanted.split(".")[1]))
    except (ValueError, KeyError, TypeError, IndexError):
        return
    if away <= _SKEW:
        yield Finding("kubectl", "ok", f"{program}: {version}")
        return
    why = f"the cluster is {wanted}; kubectl is made for one minor version of difference. Tests use the cluster's own"
    mend = f"curl -LO https://dl.k8s.io/release/v{wanted}/bin/{platform_name().replace('-', '/')}/kubectl"
    yield Finding("kubectl", "note", f"{program}: {version}, {away} minor versions away", why, mend)


def mmdebstrap(machine: Machine) -> Iterator[Finding]:
    """No mmdebstrap, without which the base image has to come from a registry."""
    if programs.locate("mmdebstrap"):
        yield Finding("mmdebstrap", "ok", "there: base images can be made without a registry")
        return
    fix = None if packages.can_install() else Fix("install mmdebstrap", _install_mmdebstrap)
    why = "without a registry, and without it, no image can be built"
    yield Finding("mmdebstrap", "note", "not there", why, f"sudo {packages.command(packages.BOOTSTRAP_PACKAGES)}", fix)


def _install_mmdebstrap(step: Step) -> None:
    packages.install(packages.BOOTSTRAP_PACKAGES, step)


def images(machine: Machine) -> Iterator[Finding]:
    """Images that the first run has to pull or build."""
    choice = machine.engine
    if machine.endpoint is None or isinstance(choice, SctError):
        return
    rows = Images(Engine.at(machine.endpoint, private=choice.private), Catalogue.load(), machine.places).status()
    here = [row.name for row in rows if row.state == "present"]
    text = f"{len(here)} of {len(rows)} are here ({', '.join(here) or 'none'})"
    yield Finding("images", "ok", f"{text}; `sct.py images list` tells more")
