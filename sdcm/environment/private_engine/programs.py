"""The programs that a private engine needs, and where they are."""

import os
import re
import shutil
from collections.abc import Mapping

from sdcm import process

NEEDED = ("dockerd", "containerd", "runc", "iptables", "ip")
_SYSTEM_FOLDERS = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")
#: What the engine's processes are given of our environment: how to reach the world, nothing of the run.
_PASSED_ON = ("HOME", "LANG", "LC_ALL", "SSL_CERT_FILE", "SSL_CERT_DIR", "DOCKER_RAMDISK")
_PROXIES = ("http_proxy", "https_proxy", "no_proxy", "all_proxy", "ftp_proxy")


def search_path(environ: Mapping[str, str] | None = None) -> str:
    """Return PATH with the system's folders behind it: a user's PATH often lacks the sbin ones."""
    own = (os.environ if environ is None else environ).get("PATH", "").split(os.pathsep)
    return os.pathsep.join(dict.fromkeys([folder for folder in own if folder] + list(_SYSTEM_FOLDERS)))


def locate(name: str) -> str | None:
    """Return the absolute path of a program, None when the machine lacks it."""
    return shutil.which(name, path=search_path())


def missing() -> tuple[str, ...]:
    """Return which of the needed programs this machine lacks."""
    return tuple(name for name in NEEDED if locate(name) is None)


def engine_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the environment that dockerd and containerd run in."""
    kept = {name: environ[name] for name in _PASSED_ON if name in environ}
    kept |= {name: environ[name] for name in (*_PROXIES, *map(str.upper, _PROXIES)) if name in environ}
    return kept | {"PATH": search_path(environ)}


def writes_a_key_to_etc() -> bool:
    """Whether this machine's dockerd (before 23) writes a signing key to /etc/docker unless told another place."""
    told = process.run([locate("dockerd") or "dockerd", "--version"], timeout=20).stdout
    version = re.search(r"version (\d+)\.", told)
    return version is not None and int(version[1]) < 23
