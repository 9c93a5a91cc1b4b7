"""The Cassandra flavour: the image in `docker/cassandra`, told what to be by environment variables."""

from sdcm.containers.flavours import (
    CQL_PORT,
    Flavour,
    LaunchArguments,
    Rights,
    certificate_files,
    credentials_file,
    rack_name,
)
from sdcm.containers.records import NodeSpec

_SSL_INSIDE = "/etc/cassandra/ssl"
#: The image's user.
_UID = 999
#: The database itself needs no capability. These are what root needs for a test's own commands: to read and change
#: any file, to end any process, to install a package. Measured: a node has some 120 threads, nodetool 30 more.
_RIGHTS = Rights(capabilities=("CHOWN", "DAC_OVERRIDE", "FOWNER", "KILL", "SETGID", "SETUID"), processes=4096)


def _arguments(spec: NodeSpec) -> LaunchArguments:
    environment = {
        # Half for the heap, an eighth for buffers; the rest is the JVM's own, nodetool's and cqlsh's.
        "CASSANDRA_HEAP": f"{spec.memory_mb // 2}m",
        "CASSANDRA_DIRECT_MEMORY": f"{spec.memory_mb // 8}m",
    }
    if spec.seeds:
        environment["CASSANDRA_SEEDS"] = ",".join(spec.seeds)
    if spec.dc:
        environment["CASSANDRA_DC"] = spec.dc
    if spec.rack:
        environment["CASSANDRA_RACK"] = rack_name(spec.rack)
    return LaunchArguments(
        command=spec.extra_args,
        environment=environment,
        files=(credentials_file(uid=_UID), *certificate_files(spec.ssl_dir, _SSL_INSIDE, uid=_UID)),
        memory_limit_mb=spec.memory_mb,
        rights=_RIGHTS,
    )


FLAVOUR = Flavour(
    name="cassandra",
    ports=(CQL_PORT,),
    http_port=0,
    capabilities=("cql", "cqlsh", "nodetool", "ssl", "vector"),
    default_dc="datacenter1",
    default_rack="rack1",
    arguments=_arguments,
)
