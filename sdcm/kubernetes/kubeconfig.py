"""Reads a kubeconfig: where the API server is and how to log in.

Certificates and tokens are read here, in milliseconds. Log-ins that need a program or a plugin (EKS, GKE)
are left to the `kubernetes` package, whose import takes about a second.
"""

import base64
import os
import ssl
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sdcm.errors import UsageProblem

_CERTIFICATES = frozenset({"client-certificate", "client-certificate-data", "client-key", "client-key-data"})
_READ_HERE = _CERTIFICATES | {"token", "tokenFile", "username", "password"}


@dataclass(frozen=True)
class Access:
    """How to reach and log in to an API server.

    Attributes:
        context: The context used.
        cluster: Name of its cluster.
        server: URL of the API server.
        tls: TLS settings, None for plain http.
        headers: Headers to send with each request; they hold secrets.
    """

    context: str
    cluster: str
    server: str
    tls: ssl.SSLContext | None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


def read_access(path: Path, context: str = "") -> Access:
    """Read a kubeconfig.

    Args:
        path: The file.
        context: Context to use; the file's current one when empty.

    Raises:
        UsageProblem: The file cannot be read, or has no such context, or one that makes no sense.
    """
    with _read(path, context) as (name, cluster, user, tls):
        headers = _headers(user, path, name)
        return Access(name, cluster["name"], str(cluster["server"]).rstrip("/"), tls, headers)


def check(path: Path, context: str = "") -> None:
    """See whether a kubeconfig can be read, without logging in; arguments and errors as of `read_access`."""
    with _read(path, context):
        pass


@contextmanager
def _read(path: Path, context: str) -> Iterator[tuple[str, dict[str, Any], dict[str, Any], ssl.SSLContext | None]]:
    """Give the context's name, its cluster, user and TLS settings; what is wrong with the file is told in one line."""
    config = _load(path)
    with _telling(path):
        name, cluster, user = _chosen(config, path, context)
        yield name, cluster, user, _tls(cluster, user, path.parent)


def _load(path: Path) -> dict[str, Any]:
    import yaml

    try:
        config = yaml.safe_load(path.read_text())
    except UnicodeDecodeError as exc:  # its text is the whole file
        raise UsageProblem(f"the kubeconfig {path} cannot be read", why="it is no text") from exc
    except RecursionError as exc:
        raise UsageProblem(f"the kubeconfig {path} cannot be read", why="it is nested too deep") from exc
    except yaml.MarkedYAMLError as exc:  # its text quotes the file, which holds secrets
        where = f"line {exc.problem_mark.line + 1}: " if exc.problem_mark else ""
        raise UsageProblem(f"the kubeconfig {path} cannot be read", why=f"{where}{exc.problem}") from exc
    except (OSError, ValueError, yaml.YAMLError) as exc:
        raise UsageProblem(f"the kubeconfig {path} cannot be read", why=str(exc)) from exc
    if not isinstance(config, dict):
        raise UsageProblem(f"{path} is no kubeconfig", mend="pass the path of one with --kubeconfig")
    return config


@contextmanager
def _telling(path: Path) -> Iterator[None]:
    """Tell in one line of what is not where, or as, it should be in the file."""
    try:
        yield
    except KeyError as exc:
        raise UsageProblem(f"{path} is no kubeconfig", why=f"an entry has no {exc.args[0]}") from exc
    except OSError as exc:  # a file that it names, or what OpenSSL says of a certificate
        raise UsageProblem(f"{path} cannot be used", why=f"{exc.filename or 'a certificate'}: {exc.strerror}") from exc
    except (TypeError, ValueError, AttributeError) as exc:
        why = "a certificate in it cannot be read" if isinstance(exc, ValueError) else "an entry is of another kind"
        raise UsageProblem(f"{path} is no kubeconfig", why=why) from exc


def _chosen(config: Mapping[str, Any], path: Path, context: str) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """Return the name of the context, and what is said of its cluster (with its `name`) and its user."""
    name = context or str(config.get("current-context") or "")
    if not name:
        raise UsageProblem(f"{path} names no current context", mend="kubectl config use-context NAME")
    chosen = _named(config, "contexts", name, path)["context"]
    cluster = {**_named(config, "clusters", str(chosen["cluster"]), path)["cluster"], "name": str(chosen["cluster"])}
    user = _named(config, "users", str(chosen["user"]), path).get("user") or {} if chosen.get("user") else {}
    return name, cluster, user


def _named(config: Mapping[str, Any], section: str, name: str, path: Path) -> dict[str, Any]:
    for entry in config.get(section) or []:
        if entry.get("name") == name:
            return dict(entry)
    raise UsageProblem(f"{path} has no {section.rstrip('s')} {name!r}", mend="kubectl config get-contexts")


def _tls(cluster: Mapping[str, Any], user: Mapping[str, Any], base: Path) -> ssl.SSLContext | None:
    if not str(cluster["server"]).startswith("https:"):
        return None
    authority = _text(cluster, "certificate-authority", base)
    settings = ssl.create_default_context(cadata=authority or None)
    # kubectl accepts authorities without the extensions that Python's strict mode asks for
    settings.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if cluster.get("insecure-skip-tls-verify"):
        settings.check_hostname = False
        settings.verify_mode = ssl.CERT_NONE
    certificate, key = _text(user, "client-certificate", base), _text(user, "client-key", base)
    if certificate and key:
        # OpenSSL loads them from a file only; this one is 0600 and gone at once.
        with tempfile.NamedTemporaryFile("w", suffix=".pem") as file:
            file.write(f"{certificate}\n{key}")
            file.flush()
            settings.load_cert_chain(file.name)
    return settings


def _text(section: Mapping[str, Any], key: str, base: Path) -> str:
    """Return a PEM that is given inline (`<key>-data`) or as a path; empty when neither."""
    if data := section.get(f"{key}-data"):
        return base64.b64decode(data).decode()
    return (base / str(section[key])).read_text() if section.get(key) else ""


def _headers(user: Mapping[str, Any], path: Path, context: str) -> dict[str, str]:
    if unknown := set(user) - _READ_HERE:
        return _headers_of_plugin(path, context, sorted(unknown))
    if user.get("tokenFile"):
        return {"Authorization": f"Bearer {(path.parent / str(user['tokenFile'])).read_text().strip()}"}
    if user.get("token"):
        return {"Authorization": f"Bearer {user['token']}"}
    if user.get("username"):
        pair = base64.b64encode(f"{user['username']}:{user.get('password', '')}".encode()).decode()
        return {"Authorization": f"Basic {pair}"}
    return {}


def _headers_of_plugin(path: Path, context: str, settings: list[str]) -> dict[str, str]:
    from kubernetes import client, config

    chosen = client.Configuration()
    try:
        config.load_kube_config(os.fspath(path), context, client_configuration=chosen)  # type: ignore[no-untyped-call]
    except (config.ConfigException, OSError) as exc:
        raise UsageProblem(f"cannot log in as {path} says ({', '.join(settings)})", why=str(exc)) from exc
    token = chosen.get_api_key_with_prefix("authorization") or chosen.get_api_key_with_prefix("BearerToken")
    return {"Authorization": token} if token else {}
