import pytest

from sdcm.broker.runs import LiveRun
from sdcm.errors import UsageProblem
from sdcm.run import entering

NAMESPACE = {
    "what": "sct-r-1",
    "namespace": "sct-r-1",
    "cluster": {"kubeconfig": "/run/k", "kubectl": "/opt/bin/kubectl", "context": "kind-r"},
}
CONTAINER = {"what": "sct-r-kafka-1", "container": {"container_id": "c0ffee", "host": "unix:///e.sock"}}


class Child:
    """A program that has ended."""

    def wait(self):
        return 3


@pytest.fixture
def started(monkeypatch):
    """The programs that were started: arguments and environment; what is leased is set by the test."""
    programs = []
    monkeypatch.setattr(entering.shutil, "which", lambda name: name)
    monkeypatch.setattr(
        entering.process, "spawn", lambda argv, env, **_: (programs.append((argv, env)), Child())[1]
    )  # fmt: skip
    return programs


def leased(monkeypatch, *found):
    monkeypatch.setattr(
        entering.runs, "live_runs", lambda _places: [LiveRun("a", "s", 0.0), LiveRun("b", "s", 0.0, "a")]
    )

    class Client:
        def __init__(self, *_args, **_kwargs):
            pass

        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

        def ask(self, op, what):
            assert op == "enter"
            return {"found": list(found)}

    monkeypatch.setattr(entering, "BrokerClient", Client)


def test_a_program_runs_in_the_container_on_its_own_engine_and_its_status_is_ours(monkeypatch, started):
    leased(monkeypatch, CONTAINER)
    assert entering.enter_leased("kafka-1", ("ls", "-l; rm")) == 3
    ((argv, env),) = started
    assert argv == ["docker", "exec", "--interactive", "c0ffee", "ls", "-l; rm"]
    assert env["DOCKER_HOST"] == "unix:///e.sock"


def test_kubectl_runs_in_the_namespace_and_a_shell_has_it_at_hand(monkeypatch, started):
    leased(monkeypatch, NAMESPACE)
    entering.enter_leased("1", ("get", "pods"))
    entering.enter_leased("1")
    (argv, env), (_, shell_env) = started
    assert argv == ["/opt/bin/kubectl", "--context=kind-r", "--namespace=sct-r-1", "get", "pods"]
    assert env["KUBECONFIG"] == "/run/k"
    assert shell_env["PATH"].startswith("/opt/bin:")


@pytest.mark.parametrize(
    ("found", "message"), [((), "nothing that is leased"), ((CONTAINER, NAMESPACE), "sct-r-kafka-1 or sct-r-1")]
)
def test_a_name_must_mean_one_thing(monkeypatch, started, found, message):
    leased(monkeypatch, *found)
    with pytest.raises(UsageProblem, match=message):
        entering.enter_leased("1")
    assert started == []


def test_only_a_node_has_cqlsh(monkeypatch, started):
    leased(monkeypatch, CONTAINER)
    with pytest.raises(UsageProblem, match="no database node"):
        entering.enter_leased("kafka-1", cqlsh=True)
