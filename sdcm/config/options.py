"""Every option of `params`: name, type, built-in default and meaning."""

from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field

IntOrInts = int | list[int]
TextOrTexts = str | list[str]
Backend = Literal["docker", "aws", "gce", "azure", "oci", "baremetal", "k8s-local-kind", "k8s-eks", "k8s-gke"]


def _option(default: Any, description: str, *, example: Any, secret: bool = False) -> Any:
    if isinstance(default, (dict, list)):
        return Field(default_factory=type(default), description=description, examples=[example])
    return Field(default, description=description, examples=[example], json_schema_extra={"secret": secret})


class Options(BaseModel):
    """The options; assignment validates."""

    model_config = ConfigDict(extra="forbid", validate_assignment=True)

    # The cluster under test
    cluster_backend: Backend = _option("docker", "Where the cluster under test lives.", example="k8s-local-kind")
    region_name: TextOrTexts = _option(
        "", "Cloud region, or regions of a cluster that spans several.", example=["eu-west-1", "us-east-1"]
    )
    n_db_nodes: IntOrInts = _option(1, "Database nodes; one number a data centre.", example=[3, 3])
    n_loaders: IntOrInts = _option(1, "Machines or containers that run stress tools.", example=2)
    simulated_racks: int = _option(
        0, "Racks that nodes are spread over on one machine; 0 leaves racks alone.", example=3
    )
    user_prefix: str = _option("", "Begins the names of what is created.", example="mine")
    docker_image: str = _option("", "Database image without tag; empty for the run's own.", example="scylladb/scylla")
    docker_network: str = _option("", "Docker network of the nodes; empty for the run's own.", example="backend")
    append_scylla_args: str = _option(
        "", "Arguments added to the database's command line.", example="++ --blocked-reactor-notify-ms 500"
    )
    logs_transport: str = _option("docker", "How logs of the nodes are gathered.", example="vector")
    user_credentials_path: str = _option("", "SSH key for machines of the cluster.", example="~/.ssh/id_ed25519")
    test_duration: int = _option(60, "Minutes the test may take.", example=90)
    billing_project: str = _option(
        "", "Whom cloud resources are billed to; derived where no layer says it.", example="my-team"
    )
    enable_argus: bool = _option(False, "Whether results are reported to Argus.", example=True)

    # Who may connect, and how
    authenticator: str = _option(
        "", "The database's authenticator class, without package.", example="PasswordAuthenticator"
    )
    authenticator_user: str = _option("", "Role that tests log in with.", example="cassandra")
    authenticator_password: str = _option("", "Its password.", secret=True, example="cassandra")
    authorizer: str = _option("", "The database's authorizer class, without package.", example="CassandraAuthorizer")
    client_encrypt: bool = _option(False, "Whether clients connect with TLS.", example=True)
    client_encrypt_mtls: bool = _option(False, "Whether clients show a certificate too.", example=True)
    peer_verification: bool = _option(
        False, "Whether clients verify the node's certificate against its name.", example=True
    )

    # Stress tools
    stress_image: dict[str, str] = _option({}, "Image of each stress tool.", example={"ycsb": "scylladb/ycsb:1.3.2"})
    stress_cmd: TextOrTexts = _option(
        "", "Command line, or lines, of the stress tool.", example=["latte run --duration 10s workload.rn"]
    )
    use_hdrhistogram: bool = _option(False, "Whether latencies are gathered as HDR histograms.", example=True)
    use_prepared_loaders: bool = _option(False, "Whether loaders come with their tools installed.", example=True)
    rack_aware_loader: bool = _option(False, "Whether a loader talks to nodes of its rack only.", example=True)
    region_aware_loader: bool = _option(False, "Whether a loader talks to nodes of its region only.", example=True)
    cs_debug: bool = _option(False, "Whether cassandra-stress logs its debug output.", example=True)
    cs_extra_jvm_opts: str = _option("", "JVM options added for cassandra-stress.", example="-Xmx1G")
    c_s_driver_version: str = _option("", "Driver version that cassandra-stress uses; empty for its own.", example="4")
    latte_schema_parameters: dict[str, Any] = _option(
        {}, "Parameters of latte's schema function.", example={"row_count": 1000}
    )
    gemini_seed: int | None = _option(None, "Seed of gemini's generator; none for a random one.", example=66)
    gemini_table_options: list[str] = _option(
        [], "Table options gemini creates its tables with.", example=["compression = {}"]
    )
    gemini_log_cql_statements: bool = _option(False, "Whether gemini logs its statements.", example=True)
    gemini_schema_url: str = _option(
        "", "Where gemini's schema is fetched from.", example="https://example.com/schema.json"
    )

    # Alternator
    alternator_port: int = _option(8000, "Port of the DynamoDB API.", example=8080)
    alternator_loadbalancing: bool = _option(False, "Whether clients spread requests over the nodes.", example=True)
    alternator_use_dns_routing: bool = _option(False, "Whether clients find nodes through a DNS name.", example=True)
    alternator_enforce_authorization: bool = _option(False, "Whether requests have to be signed.", example=True)
    alternator_access_key_id: str = _option("", "Access key id that clients sign with.", example="alternator")
    alternator_secret_access_key: str = _option("", "Its secret.", secret=True, example="salted-hash")
    alternator_trust_all_certificates: bool = _option(True, "Whether clients accept any certificate.", example=False)
    dynamodb_primarykey_type: Literal["HASH", "HASH_AND_RANGE"] = _option(
        "HASH", "Key schema of YCSB's table.", example="HASH_AND_RANGE"
    )

    # Kafka
    kafka_backend: str = _option(
        "", "Where Kafka runs: `localstack`, `vm`, `msk`; empty for none.", example="localstack"
    )
    kafka_connectors: list[dict[str, Any]] = _option(
        [],
        "Connectors to create: source, name, config.",
        example=[{"source": "hub:scylladb/scylla-cdc-source-connector:1.1.4", "name": "changes"}],
    )

    # Vector store
    n_vector_store_nodes: int = _option(0, "Vector store nodes.", example=1)
    vector_store_docker_image: str = _option("", "Vector store image without tag.", example="scylladb/vector-store")
    vector_store_version: str = _option("", "Its tag.", example="1.2.0")
    vector_store_port: int = _option(6080, "Port of its API.", example=6081)
    vector_store_scylla_port: int = _option(9042, "Port at which it reaches the database.", example=9142)
    vector_store_threads: int = _option(2, "Its threads.", example=4)


def annotation_of(name: str) -> Any:
    """Return an option's type as it is written above."""
    annotation = Options.model_fields[name].annotation
    return get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation


def is_secret(name: str) -> bool:
    """Whether the option's value is never to be shown."""
    extra = Options.model_fields[name].json_schema_extra
    return isinstance(extra, dict) and bool(extra.get("secret"))


def is_appendable(name: str) -> bool:
    """Whether a later layer may add to the option with `++`: texts and lists can be added to."""
    annotation = annotation_of(name)
    return annotation in (str, TextOrTexts) or get_origin(annotation) is list


def example_of(name: str) -> Any:
    """Return a value that the option may have, other than its default, as a file would say it."""
    return (Options.model_fields[name].examples or [None])[0]
