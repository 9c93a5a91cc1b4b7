"""The Cassandra flavour: the image in `docker/cassandra`, told what to be by environment variables.

With `native_entrypoint` it is told only what the test asks for (ring, place, further arguments): heap, settings and
whether a login is asked for are the image's own.
"""

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
from sdcm.errors import UsageProblem

_SSL_INSIDE = "/etc/cassandra/ssl"
#: The image's user.
_UID = 999
#: The database itself needs no capability. These are what root needs for a test's own commands: to read and change
#: any file, to end any process, to install a package. Measured: a node has some 120 threads, nodetool 30 more.
_RIGHTS = Rights(capabilities=("CHOWN", "DAC_OVERRIDE", "FOWNER", "KILL", "SETGID", "SETUID"), processes=4096)
#: Any replica may tell who somebody is, so that logins go on while a node is down. The superuser `cassandra` is read
#: at QUORUM all the same; that is fixed in the server.
_LOCAL_LOGINS = "-Dcassandra.settings.auth_read_consistency_level=LOCAL_ONE"
#: Each takes 32 MiB outside the heap. Of three, and 48 MiB of caches beside them, a node ended for want of memory
#: in the midst of a test.
_FEW_HINT_BUFFERS = "-Dcassandra.MAX_HINT_BUFFERS=2"
#: Half of it, in ms, is how long a ring remembers a node that has begun to join and is silent; on a busy machine that
#: is more than the second which follows from the image's short ring delay.
_PATIENT_RING = "-Dcassandra.gossip_quarantine_delay_ms=60000"
#: A node that joins, or comes back, gives up when nobody has answered for twice as many ms. The image's own second is
#: for a node alone; on a busy machine an answer was seen to take three.
_PATIENT_JOINING = "-Dcassandra.ring_delay_ms=4000"


def _environment(spec: NodeSpec) -> dict[str, str]:
    environment = {}
    if not spec.native_entrypoint:
        # Half for the heap, a quarter at most for buffers; the rest is the JVM's own, nodetool's and cqlsh's.
        environment["CASSANDRA_HEAP"] = f"{spec.memory_mb // 2}m"
        environment["CASSANDRA_DIRECT_MEMORY"] = f"{spec.memory_mb // 4}m"
    if spec.seeds:
        environment["CASSANDRA_SEEDS"] = ",".join(spec.seeds)
    if spec.cluster_name:
        environment["CASSANDRA_CLUSTER_NAME"] = spec.cluster_name
    if spec.dc:
        environment["CASSANDRA_DC"] = spec.dc
    if spec.rack:
        environment["CASSANDRA_RACK"] = rack_name(spec.rack)
    if spec.mtls:
        environment["CASSANDRA_SSL_CLIENT_AUTH"] = "true"
    return environment


def _arguments(spec: NodeSpec) -> LaunchArguments:
    if spec.native_entrypoint and spec.ssl_dir:
        raise UsageProblem(
            "native_entrypoint and ssl exclude each other",
            why="TLS is a setting of ours, and the image is to keep its own",
        )
    ours = (_LOCAL_LOGINS, _FEW_HINT_BUFFERS, _PATIENT_RING, *([_PATIENT_JOINING] if spec.seeds else []))
    return LaunchArguments(
        command=(*(() if spec.native_entrypoint else ours), *spec.extra_args),
        environment=_environment(spec),
        # The login is for the `cqlsh` of tests alone; the server does not read it.
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
    settings_file="/etc/cassandra/cassandra.yaml",
    ssl_inside=_SSL_INSIDE,
    uid=_UID,
    arguments=_arguments,
    instead={"alternator": "the fixture alternator_api has DynamoDB Local beside it, which is no part of the node"},
)
