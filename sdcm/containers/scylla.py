"""The Scylla flavour: the official image, told what to be by arguments and by keys set in its scylla.yaml.

The keys are set in the copy of the file that a created, not yet started container holds: no bind mount, no
entrypoint of our own. Two of them name the superuser, which releases from 2026.1 on no longer make by themselves.
With `native_entrypoint` the file stays as the image has it: no login is asked for. Rack and data centre are then
arguments, which the image takes from 2026.1 on; without it a file says them, which every release reads.

In the official images a supervisor is process 1: it goes on, and starts the server anew, when that ends, so its words
in the log, not the container's end, tell of a boot that failed.
"""

from sdcm.containers.archive import FileCopy
from sdcm.containers.flavours import (
    CQL_PORT,
    DEFAULT_LOGIN,
    Flavour,
    LaunchArguments,
    YamlEdit,
    certificate_files,
    credentials_file,
    rack_name,
)
from sdcm.containers.records import NodeSpec
from sdcm.errors import UsageProblem

ALTERNATOR_PORT = 8000
_DEFAULT_DC, _DEFAULT_RACK = "datacenter1", "rack1"
_YAML = "/etc/scylla/scylla.yaml"
_PLACE = "/etc/scylla/cassandra-rackdc.properties"
_SSL_INSIDE = "/etc/scylla/ssl_conf"
#: SHA-512 crypt of the default superuser's well-known password.
_SALTED_LOGIN = (
    "$6$sctdefaultlogin0$AhY2pC6z7u4KSL.tUhwekoGdcXTzm3cV1wT9IJDuTKrrjLt72Zc.p1aM2/e2cYzC6HnIwdElj0qPKsJ38uHxr0"
)
_NODE_CERTIFICATE = "client-facing"


def _has_place(spec: NodeSpec) -> bool:
    return bool(spec.rack or spec.dc)


def _files(spec: NodeSpec) -> tuple[FileCopy, ...]:
    files = [credentials_file(), *certificate_files(spec.ssl_dir, _SSL_INSIDE)]
    if _has_place(spec):
        place = f"dc={spec.dc or _DEFAULT_DC}\nrack={rack_name(spec.rack) or _DEFAULT_RACK}\nprefer_local=true\n"
        files.append(FileCopy(_PLACE, place.encode(), 0o644))
    return tuple(files)


def _command(spec: NodeSpec) -> tuple[str, ...]:
    command = [
        "--smp", str(spec.smp),
        "--memory", f"{spec.memory_mb}M",
        "--overprovisioned", "1",
        "--alternator-port", str(ALTERNATOR_PORT),
        "--alternator-write-isolation", "always",
    ]  # fmt: skip
    if spec.seeds:
        command.append(f"--seeds={','.join(spec.seeds)}")
    if spec.native_entrypoint and _has_place(spec):
        command.append(f"--dc={spec.dc or _DEFAULT_DC}")
        if spec.rack:
            command.append(f"--rack={rack_name(spec.rack)}")
    return (*command, *spec.extra_args)


def _settings(spec: NodeSpec) -> dict[str, object]:
    settings: dict[str, object] = {
        "skip_wait_for_gossip_to_settle": 0,
        "authenticator": "PasswordAuthenticator",
        "authorizer": "CassandraAuthorizer",
        "auth_superuser_name": DEFAULT_LOGIN[0],
        "auth_superuser_salted_password": _SALTED_LOGIN,
        "alternator_enforce_authorization": True,
        # Both names of the switch: releases differ in which they know, and only warn about the other.
        "enable_tablets": False,
        "tablets_mode_for_new_keyspaces": "disabled",
    }
    if spec.cluster_name:
        settings["cluster_name"] = spec.cluster_name
    if _has_place(spec):
        # What reads the file of rack and data centre.
        settings["endpoint_snitch"] = "GossipingPropertyFileSnitch"
    if spec.ssl_dir:
        settings["client_encryption_options"] = {
            "enabled": True,
            "certificate": f"{_SSL_INSIDE}/{_NODE_CERTIFICATE}.crt",
            "keyfile": f"{_SSL_INSIDE}/{_NODE_CERTIFICATE}.key",
            "truststore": f"{_SSL_INSIDE}/ca.pem",
            "require_client_auth": spec.mtls,
        }
    return settings


def _arguments(spec: NodeSpec) -> LaunchArguments:
    if spec.native_entrypoint and spec.ssl_dir:
        raise UsageProblem(
            "native_entrypoint and ssl exclude each other",
            why="TLS is a setting of ours, and the image is to keep its own",
        )
    return LaunchArguments(
        command=_command(spec),
        files=() if spec.native_entrypoint else _files(spec),
        yaml=None if spec.native_entrypoint else YamlEdit(_YAML, _settings(spec)),
        user="root",
        # No limit on the container: Scylla refuses to start where it sees less memory than it was told to use.
        cores=spec.smp,
    )


FLAVOUR = Flavour(
    name="scylla",
    ports=(CQL_PORT, ALTERNATOR_PORT),
    http_port=ALTERNATOR_PORT,
    capabilities=("alternator", "cql", "cqlsh", "nodetool", "ssl"),
    default_dc=_DEFAULT_DC,
    default_rack=_DEFAULT_RACK,
    settings_file=_YAML,
    ssl_inside=_SSL_INSIDE,
    uid=0,
    arguments=_arguments,
    ended_log=r"(?:exited|gave up): scylla(?:-server)? ",
    started_log=r"Scylla version \S+ initialization completed",
    without_superuser="docker_scylla_args(native_entrypoint=True) starts the image without a login",
)
