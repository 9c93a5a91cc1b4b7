import ssl
from pathlib import Path
from typing import Any

import pytest
from cassandra.connection import DefaultEndPoint

from sdcm.containers.certificates import make_certificates
from sdcm.containers.cql import PublishedEndPoints, tls_context

PUBLISHED = {"10.0.0.1": ("127.0.0.1", 40001), "10.0.0.2": ("engine-host", 40002)}


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        pytest.param({"rpc_address": "10.0.0.1", "rpc_port": 9042}, ("127.0.0.1", 40001), id="local"),
        pytest.param({"peer": "10.0.0.2", "rpc_address": "10.0.0.2"}, ("engine-host", 40002), id="peers"),
        pytest.param({"native_address": "10.0.0.2", "native_port": 9042}, ("engine-host", 40002), id="peers_v2"),
        pytest.param({"rpc_address": "10.0.0.9", "rpc_port": 9142}, ("10.0.0.9", 9142), id="stranger"),
        pytest.param({"peer": "10.0.0.9", "rpc_address": "0.0.0.0"}, ("10.0.0.9", 9042), id="stranger without port"),
    ],
)
def test_a_node_is_reached_where_it_is_published(row: dict[str, Any], expected: tuple[str, int]) -> None:
    assert PublishedEndPoints(PUBLISHED, 9042).create(row) == DefaultEndPoint(*expected)


def test_a_client_trusts_the_runs_authority_alone(tmp_path: Path) -> None:
    context = tls_context(str(make_certificates(tmp_path)))
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert [authority["subject"] for authority in context.get_ca_certs()] == [
        ((("commonName", "sct test authority"),),)
    ]
