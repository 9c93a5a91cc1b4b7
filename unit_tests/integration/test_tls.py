"""TLS between clients and nodes.

External services: Docker (database nodes)
"""

import socket
import ssl

import pytest

from unit_tests.lib.lazily import lazily

cassandra_cluster = lazily("cassandra.cluster")
certificates = lazily("sdcm.containers.certificates")
tls = lazily("sdcm.containers.tls")


def refusal(node, **options):
    """Return why a session cannot be opened."""
    with pytest.raises(cassandra_cluster.NoHostAvailable) as failure:
        node.cql_connection(connect_timeout=5, **options)
    return str(failure.value)


@pytest.mark.integration
@pytest.mark.docker_scylla_args(ssl=True)
@pytest.mark.parametrize("number", [pytest.param(n, id=f"worker-{n}") for n in range(2)])
def test_tls_is_verified_and_nothing_else_is_taken(docker_scylla, params, tmp_path, number):
    """A verified connection passes, one that trusts another authority fails, clear text fails.

    External services: Docker (database node)
    """
    assert params["client_encrypt"] is True
    session = docker_scylla.cql_connection()
    assert session.execute("SELECT cluster_name FROM system.local").one()
    assert session.cluster.ssl_context.verify_mode is ssl.CERT_REQUIRED
    assert session.cluster.ssl_context.check_hostname
    assert "release_version" in docker_scylla.run_cqlsh("SELECT release_version FROM system.local").stdout

    stranger = certificates.Authority(tmp_path)
    stranger.issue(tmp_path)
    assert "CERTIFICATE_VERIFY_FAILED" in refusal(docker_scylla, ssl_context=tls.client_context(tmp_path))

    host, _, port = docker_scylla.get_port(9042).rpartition(":")
    with pytest.raises((ssl.SSLError, OSError)), socket.create_connection((host, int(port)), 5) as clear:
        _say_options(clear)

    # Each name and address by which the node is reached is in its certificate.
    context = tls.client_context(docker_scylla.ssl_conf_dir)
    for name in (host, "localhost", docker_scylla.name):
        plain = socket.create_connection((host, int(port)), 5)
        with context.wrap_socket(plain, server_hostname=name) as secured:
            assert secured.version() in ("TLSv1.2", "TLSv1.3")


def _say_options(connection):
    """Ask in clear text what the server supports; raise when it does not answer in CQL."""
    connection.sendall(bytes((4, 0, 0, 0, 5, 0, 0, 0, 0)))
    if connection.recv(9)[:1] != b"\x84":
        raise ConnectionError("no answer in CQL")


@pytest.mark.integration
@pytest.mark.docker_scylla_args(mtls=True)
def test_mutual_tls_wants_a_clients_certificate(docker_scylla, params):
    """A client that shows the run's certificate is let in, cqlsh too; one without any is not.

    External services: Docker (database node)
    """
    assert (params["client_encrypt"], params["client_encrypt_mtls"]) == (True, True)
    assert docker_scylla.cql_connection().execute("SELECT cluster_name FROM system.local").one()
    assert "release_version" in docker_scylla.run_cqlsh("SELECT release_version FROM system.local").stdout
    refusal(docker_scylla, ssl_context=tls.client_context(docker_scylla.ssl_conf_dir, certificate=False))
