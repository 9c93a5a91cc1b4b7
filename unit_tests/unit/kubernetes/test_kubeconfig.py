"""How a kubeconfig is read."""

import base64
from pathlib import Path

import pytest

from sdcm.errors import ServiceUnavailable, UsageProblem
from sdcm.kubernetes.api import Api, ApiSilent
from sdcm.kubernetes.existing import existing_cluster
from sdcm.kubernetes.kubeconfig import check, read_access
from unit_tests.lib.fake_kubernetes import FakeCluster


def test_the_current_context_is_used(cluster: FakeCluster, tmp_path: Path) -> None:
    access = read_access(cluster.kubeconfig(tmp_path))
    assert (access.context, access.cluster, access.tls, access.headers) == ("fake", "fake", None, {})


@pytest.mark.parametrize(
    ("user", "header"),
    [
        ({"token": "abc"}, "Bearer abc"),
        ({"tokenFile": "token"}, "Bearer from-file"),
        ({"username": "u", "password": "p"}, "Basic " + base64.b64encode(b"u:p").decode()),
    ],
)
def test_log_ins(cluster: FakeCluster, tmp_path: Path, user: dict[str, str], header: str) -> None:
    (tmp_path / "token").write_text("from-file\n")
    access = read_access(cluster.kubeconfig(tmp_path, **user))
    assert access.headers == {"Authorization": header}
    assert header.split()[1] not in repr(access)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "cannot be read"),
        ("[]", "is no kubeconfig"),
        ("{}", "names no current context"),
        ("current-context: x", "has no context 'x'"),
    ],
)
def test_what_is_no_kubeconfig(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "kubeconfig"
    file.write_text(text)
    with pytest.raises(UsageProblem, match=message):
        read_access(file)


ENTRIES = """
current-context: x
contexts: [{{name: x, context: {context}}}]
clusters: [{{name: c, cluster: {cluster}}}]
users: [{{name: u, user: {user}}}]
"""
CLUSTER = "{server: 'https://localhost:1'}"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\xff\xfe\x00 secret", "cannot be read: it is no text$"),
        (b"a: 1\ntoken: secret: b", "cannot be read: line 2: mapping values are not allowed here$"),
        (b"[" * 500, "cannot be read: it is nested too deep$"),
        (b"current-context: x\ncontexts: 5", "is no kubeconfig: an entry is of another kind"),
        (b"current-context: x\ncontexts: [1]", "is no kubeconfig: an entry is of another kind"),
        (ENTRIES.format(context="{user: u}", cluster=CLUSTER, user="{}"), "an entry has no cluster"),
        (ENTRIES.format(context="{cluster: c}", cluster="{}", user="{}"), "an entry has no server"),
        (
            ENTRIES.format(context="{cluster: c}", cluster=CLUSTER[:-1] + ", certificate-authority: nowhere}", user=""),
            "cannot be used: .*nowhere: No such file",
        ),
        (
            ENTRIES.format(context="{cluster: c, user: u}", cluster=CLUSTER, user="{client-certificate-data: a}"),
            "a certificate in it cannot be read",
        ),
    ],
)
def test_what_makes_no_sense_is_told_in_one_line(tmp_path: Path, content: str | bytes, message: str) -> None:
    file = tmp_path / "kubeconfig"
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    for read in (read_access, check):
        with pytest.raises(UsageProblem, match=message) as caught:
            read(file)
        assert "secret" not in str(caught.value)


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(UsageProblem, match="cannot be read"):
        read_access(tmp_path / "none")


def test_a_server_that_is_gone_is_silent(cluster: FakeCluster, tmp_path: Path) -> None:
    api = Api.of(cluster.kubeconfig(tmp_path))
    cluster.close()
    with pytest.raises(ApiSilent, match=r"the Kubernetes API at http://127.0.0.1:.* does not answer"):
        api.get("/api/v1/nodes")


def test_an_existing_cluster_is_asked_first(cluster: FakeCluster, tmp_path: Path) -> None:
    path = cluster.kubeconfig(tmp_path)
    cluster.objects["/version"] = {"metadata": {}, "gitVersion": "v1"}
    record = existing_cluster(path)
    assert (record.name, record.context, record.kubeconfig, record.control_plane) == ("fake", "fake", str(path), "")


def test_an_existing_cluster_that_is_gone_is_unavailable(cluster: FakeCluster, tmp_path: Path) -> None:
    path = cluster.kubeconfig(tmp_path)
    cluster.close()
    with pytest.raises(ServiceUnavailable, match=f"context fake of {path} cannot be used: .* -- kubectl --kubeconfig"):
        existing_cluster(path)
