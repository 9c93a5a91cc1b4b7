"""Opens a shell, cqlsh or kubectl in what a test has leased, or has left with `--keep-failed`."""

import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from sdcm import paths, process
from sdcm.broker import runs
from sdcm.broker.client import BrokerClient
from sdcm.errors import SctError, UsageProblem

#: The better shell of those that are there; nothing of the user's is in it.
_SHELL = ("/bin/sh", "-c", "if command -v bash >/dev/null; then exec bash; else exec sh; fi")


def enter_leased(what: str, program: Sequence[str] = (), *, cqlsh: bool = False) -> int:
    """Open a shell in a resource, or run a program there, on this terminal.

    Args:
        what: Its name, or the end of it.
        program: What to run instead of a shell; in a namespace, arguments of kubectl; with `cqlsh`, arguments of it.
        cqlsh: Open cqlsh, logged in.

    Returns:
        The exit status of the program.

    Raises:
        UsageProblem: Nothing, or more than one thing, has that name; or what is asked for is not to be had there.
    """
    found = _find(what)
    argv, environ = _in_namespace(found, program) if "namespace" in found else _in_container(found, program, cqlsh)
    if shutil.which(argv[0]) is None:
        raise UsageProblem(f"the program {argv[0]} is not on PATH", why="it opens the way in", mend="install it")
    return process.spawn(argv, env={**os.environ, **environ}, inherit_output=True, new_session=False).wait()


def _find(what: str) -> Mapping[str, Any]:
    found: list[Mapping[str, Any]] = []
    for run in runs.live_runs(paths.from_environment()):
        if run.environment:
            continue  # what it has leased is that one's
        try:
            with BrokerClient(run.socket, "enter", deadline=1.0) as client:
                found += client.ask("enter", what=what)["found"]
        except SctError:
            continue
    if len(found) == 1:
        return found[0]
    if not found:
        raise UsageProblem(f"nothing that is leased or kept is called {what}", mend="`sct.py env status` lists it")
    raise UsageProblem(f"{what} may be {' or '.join(str(one['what']) for one in found)}", mend="name one in full")


def _in_container(found: Mapping[str, Any], program: Sequence[str], cqlsh: bool) -> tuple[list[str], dict[str, str]]:
    record = found.get("node") or found["container"]
    inside = [*_cqlsh(found), *program] if cqlsh else list(program) or list(_SHELL)
    terminal = ["--interactive", "--tty"] if sys.stdin.isatty() else ["--interactive"]
    argv = ["docker", "exec", *terminal, str(record["container_id"]), *inside]
    return argv, {"DOCKER_HOST": str(record["host"])} if record.get("host") else {}


def _cqlsh(found: Mapping[str, Any]) -> list[str]:
    from sdcm.containers.node import Node
    from sdcm.containers.records import NodeRecord

    if "node" not in found:
        raise UsageProblem(f"{found['what']} is no database node", mend="leave --cqlsh out")
    node = Node(NodeRecord.from_record(found["node"]))
    try:
        return [*node.cqlsh_argv(), node.ip_address]
    finally:
        node.close()


def _in_namespace(found: Mapping[str, Any], program: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    """Return kubectl in the namespace, or a shell whose kubectl is it."""
    cluster = found["cluster"]
    environ = {"KUBECONFIG": str(cluster["kubeconfig"]), "NAMESPACE": str(found["namespace"])}
    kubectl = str(cluster.get("kubectl") or "kubectl")
    if program:
        return [kubectl, f"--context={cluster['context']}", f"--namespace={found['namespace']}", *program], environ
    environ["PATH"] = os.pathsep.join([os.path.dirname(kubectl), os.environ.get("PATH", "")])  # noqa: PTH120
    return [os.environ.get("SHELL") or "/bin/sh"], environ
