"""Starting the private engine."""

import json
import os
import shutil
import time
from pathlib import Path
from typing import Any

from sdcm.environment.private_engine import addresses, firewall, processes, programs
from sdcm.environment.private_engine.capabilities import missing_capabilities, write_wrapper
from sdcm.environment.private_engine.layout import Layout, Record, write_record
from sdcm.environment.private_engine.stop import CONTAINER_GRACE, stop
from sdcm.environment.step import Step
from sdcm.errors import DeadlinePassed, EnvironmentFailed
from sdcm.paths import make_private

_SAY_EVERY = 2.0
_RUNTIME = "sct"

# dockerd asks containerd for tasks and images only; everything else it could offer costs start-up time.
_CONTAINERD = """\
version = 2
root = {root}
state = {state}
disabled_plugins = [
  "io.containerd.grpc.v1.cri", "io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs",
  "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs",
  "io.containerd.tracing.processor.v1.otlp",
]
[grpc]
address = {socket}
[debug]
level = "warn"
"""


def start(layout: Layout, step: Step) -> None:
    """Start the engine and wait until it answers; nothing is left when that fails.

    To be called by whoever holds the gate, after `stop` has cleared what an earlier engine left.

    Args:
        layout: The engine.
        step: Reported to; its deadline (seconds) holds for the start.

    Raises:
        EnvironmentFailed: The engine did not come up; its evidence is dockerd's log.
        DeadlinePassed: It did not answer in time.
    """
    started = time.monotonic()
    try:
        _put_up(layout, step)
        dockerd = _launch(layout)
        _await_answer(layout, dockerd, step, started)
    except BaseException:
        stop(layout)
        raise
    seconds = time.monotonic() - started
    step.say(f"private engine is up after {seconds:.1f} s: export DOCKER_HOST={layout.endpoint.host}")


def _put_up(layout: Layout, step: Step) -> None:
    layout.live.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    make_private(layout.live)
    make_private(layout.logs)
    make_private(layout.base)
    with addresses.choosing():
        network = addresses.free_network(layout.tag)
        record = Record(
            str(layout.live), str(network), firewall.forwarding(), data_was_mounted=os.path.ismount(layout.data)
        )
        write_record(layout.base, record)
        firewall.put_up(layout, record)
    step.say(f"starting a private engine: network {network}, images in {layout.data}")
    # dockerd deletes the interface docker0, a user's engine's, when it has address pools and finds its own default
    # network of an earlier start. Networks do not outlive the engine anyway.
    shutil.rmtree(layout.data / "network", ignore_errors=True)
    _write_configuration(layout, network, step)


def _write_configuration(layout: Layout, network: addresses.Network, step: Step) -> None:
    layout.containerd_config.write_text(
        _CONTAINERD.format(
            root=json.dumps(str(layout.base / "containerd")),
            state=json.dumps(str(layout.containerd_state)),
            socket=json.dumps(str(layout.containerd_socket)),
        )
    )
    settings = _daemon_settings(layout, network)
    missing = missing_capabilities()
    if missing:
        step.say(f"this machine withholds {', '.join(missing)}: containers run without")
        write_wrapper(layout.wrapper, programs.locate("runc") or "runc", missing)
        settings |= {"runtimes": {_RUNTIME: {"path": str(layout.wrapper)}}, "default-runtime": _RUNTIME}
    if programs.writes_a_key_to_etc():
        settings["deprecated-key-path"] = str(layout.base / "key.json")
    layout.daemon_config.write_text(json.dumps(settings, indent=2))


def _daemon_settings(layout: Layout, network: addresses.Network) -> dict[str, Any]:
    return {
        "hosts": [layout.endpoint.host],
        "group": "root",
        "data-root": str(layout.data),
        "exec-root": str(layout.exec_root),
        "pidfile": str(layout.pid_file),
        "containerd": str(layout.containerd_socket),
        "bridge": layout.bridge,
        "default-address-pools": [addresses.address_pool(network)],
        "iptables": False,  # see firewall.py
        "ip-forward": False,
        "ip-masq": False,
        "shutdown-timeout": CONTAINER_GRACE,
    }


def _log_file(layout: Layout, program: str) -> Path:
    """Return a fresh log file; the one before is kept beside it."""
    path = layout.logs / f"{program}.log"
    if path.exists():
        path.replace(path.with_suffix(".log.1"))
    return path


def _launch(layout: Layout) -> int:
    """Start both daemons at once (dockerd waits for containerd's socket) and return dockerd's process id."""
    env = programs.engine_environment(os.environ)
    containerd, dockerd = programs.locate("containerd") or "containerd", programs.locate("dockerd") or "dockerd"
    processes.detach(
        [containerd, "--config", str(layout.containerd_config)], log=_log_file(layout, "containerd"), env=env
    )
    return processes.detach(
        [dockerd, "--config-file", str(layout.daemon_config)], log=_log_file(layout, "dockerd"), env=env
    )


def _await_answer(layout: Layout, dockerd: int, step: Step, started: float) -> None:
    said = time.monotonic()
    while reason := layout.endpoint.silence(timeout=2.0):
        now = time.monotonic()
        if processes.is_gone(dockerd):
            raise EnvironmentFailed(
                "the private engine ended while it started", why=_last_error(layout), evidence=_log_tail(layout)
            )
        if now - started > step.deadline:
            raise DeadlinePassed(
                f"the private engine did not answer within {step.deadline:g} s", why=reason, evidence=_log_tail(layout)
            )
        if now - said >= _SAY_EVERY:
            said = now
            step.say(f"waiting for the private engine's answer ({now - started:.0f} s)")
        time.sleep(0.03)


def _log_tail(layout: Layout, lines: int = 40) -> str:
    try:
        return "\n".join((layout.logs / "dockerd.log").read_text(errors="replace").splitlines()[-lines:])
    except OSError:
        return ""


def _last_error(layout: Layout) -> str:
    lines = _log_tail(layout).splitlines()
    return next((line for line in reversed(lines) if "level=" not in line or "level=error" in line), "see its log")
