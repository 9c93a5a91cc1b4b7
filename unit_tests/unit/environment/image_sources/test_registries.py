import base64
import json
import sys
from pathlib import Path

import pytest

from sdcm.environment.image_sources import registries
from sdcm.environment.image_sources.registries import Refusal, Verdicts, authorization, clause, meaning

UNREACHABLE = 'Get "https://registry-1.docker.io/v2/": dial tcp: lookup registry-1 on 10.0.0.53:53: no such host'


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (UNREACHABLE, Refusal.UNREACHABLE),
        ('Get "http://127.0.0.1:1/v2/": dial tcp 127.0.0.1:1: connect: connection refused', Refusal.UNREACHABLE),
        ("net/http: TLS handshake timeout", Refusal.UNREACHABLE),
        ("x509: certificate signed by unknown authority", Refusal.UNREACHABLE),
        ("net/http: request canceled (Client.Timeout exceeded while awaiting headers)", Refusal.UNREACHABLE),
        ("manifest for scylladb/scylla:0 not found: manifest unknown: manifest unknown", Refusal.MISSING),
        ("no matching manifest for linux/arm64/v8 in the manifest list entries", Refusal.MISSING),
        ("pull access denied for x/y, repository does not exist or may require 'docker login'", Refusal.DENIED),
        ("unauthorized: authentication required", Refusal.DENIED),
        ("toomanyrequests: You have reached your pull rate limit", Refusal.LIMITED),
        ("received unexpected HTTP status: 503 Service Unavailable", Refusal.TRANSIENT),
        ("unexpected EOF", Refusal.TRANSIENT),
        ("Get http://r.lan/v2/x/manifests/1: no basic auth credentials", Refusal.DENIED),
        ("filesystem layer verification failed for digest sha256:0", Refusal.CORRUPT),
        ("stood still for 90 s", Refusal.STALLED),
    ],
)
def test_engines_messages_are_understood(message: str, expected: Refusal) -> None:
    assert meaning(message) is expected


def test_a_clause_names_registry_and_cause() -> None:
    assert clause("docker.io", Refusal.UNREACHABLE, UNREACHABLE) == "registry docker.io did not answer: no such host"
    assert clause("r.lan", Refusal.MISSING, "manifest unknown") == "registry r.lan does not have it"


def test_a_verdict_is_shared_within_the_process_and_ends() -> None:
    Verdicts("unix:///shared").remember("r.lan", "registry r.lan did not answer")
    assert Verdicts("unix:///shared").unreachable("r.lan") == "registry r.lan did not answer"
    assert Verdicts("unix:///shared").unreachable("other.lan") == ""
    assert Verdicts("unix:///another-engine").unreachable("r.lan") == ""
    Verdicts("unix:///shared", seconds=-1).remember("r.lan", "again")
    assert Verdicts("unix:///shared").unreachable("r.lan") == ""


def test_a_verdict_is_shared_through_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Verdicts("unix:///e", tmp_path / "verdicts").remember("r.lan", "no answer")
    with (tmp_path / "verdicts").open("a") as file:
        file.write('{"registry": "torn')
    monkeypatch.setattr(Verdicts, "_by_engine", {})  # as in another process
    assert Verdicts("unix:///e", tmp_path / "verdicts").unreachable("r.lan") == "no answer"
    assert Verdicts("unix:///e", tmp_path / "none").unreachable("r.lan") == ""


def test_without_credentials_the_sdk_is_not_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "docker", None)
    assert authorization("docker.io", {"DOCKER_CONFIG": str(tmp_path)}) == {}
    (tmp_path / "config.json").write_text('{"currentContext": "default"}')
    assert authorization("docker.io", {"DOCKER_CONFIG": str(tmp_path)}) == {}


@pytest.mark.parametrize(
    ("registry", "stored"), [("docker.io", "https://index.docker.io/v1/"), ("r.lan:5000", "r.lan:5000")]
)
def test_the_users_credentials_go_to_their_registry_only(tmp_path: Path, registry: str, stored: str) -> None:
    secret = base64.b64encode(b"me:word").decode()
    (tmp_path / "config.json").write_text(json.dumps({"auths": {stored: {"auth": secret}}}))
    headers = authorization(registry, {"DOCKER_CONFIG": str(tmp_path)})
    sent = json.loads(base64.urlsafe_b64decode(headers["X-Registry-Auth"]))
    assert (sent["username"], sent["password"]) == ("me", "word")
    assert authorization("elsewhere.lan", {"DOCKER_CONFIG": str(tmp_path)}) == {}


@pytest.mark.filterwarnings("ignore:docker-credential-no-such-helper")
def test_a_broken_credential_store_means_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"credsStore": "no-such-helper"}))
    monkeypatch.setattr(registries.os, "environ", {"PATH": str(tmp_path)})
    assert authorization("docker.io", {"DOCKER_CONFIG": str(tmp_path)}) == {}
