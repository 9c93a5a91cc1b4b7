import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from sdcm.environment.image_sources import pull
from sdcm.environment.image_sources.pull import PullRefused
from sdcm.environment.image_sources.references import Reference
from sdcm.environment.image_sources.registries import Refusal, Verdicts
from sdcm.ownership.docker_endpoint import Endpoint, EngineSilent
from unit_tests.lib.fake_engine import FakeEngine

IMAGE = "r.lan/a/b:1"
NO_HOST = (500, {"message": 'Get "https://r.lan/v2/": dial tcp: lookup r.lan: no such host'})
DONE = (
    200,
    [
        {"status": "Pulling from a/b", "id": "1"},
        {"status": "Pulling fs layer", "progressDetail": {}, "id": "l1"},
        {"status": "Already exists", "progressDetail": {}, "id": "l2"},
        {"status": "Downloading", "progressDetail": {"current": 4_000_000, "total": 10_000_000}, "id": "l1"},
        {"status": "Download complete", "progressDetail": {}, "id": "l1"},
        {"status": "Pull complete", "progressDetail": {}, "id": "l1"},
        {"status": "Status: Downloaded newer image"},
    ],
)


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeEngine]:
    monkeypatch.setattr(pull.time, "sleep", lambda _: None)
    monkeypatch.setattr(Verdicts, "_by_engine", {})
    fake = FakeEngine(tmp_path)
    yield fake
    fake.close()


def get(engine: FakeEngine, folder: Path, verdicts: Verdicts | None = None) -> list[str]:
    told: list[str] = []
    pull.pull(
        Endpoint(engine.host),
        Reference.parse(IMAGE),
        verdicts=verdicts or Verdicts(engine.host),
        environ={"HOME": str(folder)},
        log=folder / "step.log",
        deadline=30,
        tell=told.append,
    )
    return told


def refusal(engine: FakeEngine, folder: Path, verdicts: Verdicts | None = None) -> PullRefused:
    with pytest.raises(PullRefused) as caught:
        get(engine, folder, verdicts)
    return caught.value


def test_progress_tells_sizes_and_layers(engine: FakeEngine, tmp_path: Path) -> None:
    engine.pulls[IMAGE] = DONE
    told = get(engine, tmp_path)
    assert f"pulling {IMAGE}: 4 of 10 MB, 1 of 2 layers" in told
    assert told[-1] == f"pulling {IMAGE}: 10 of 10 MB, 2 of 2 layers"
    assert "Downloaded newer image" in (tmp_path / "step.log").read_text()


def test_a_registry_without_answer_is_asked_once_a_run(engine: FakeEngine, tmp_path: Path) -> None:
    engine.pulls[IMAGE] = NO_HOST
    verdicts = Verdicts(engine.host)
    for _ in range(3):
        error = refusal(engine, tmp_path, verdicts)
        assert error.kind is Refusal.UNREACHABLE
        assert error.why == "registry r.lan did not answer: no such host"
    assert engine.count("POST", "/images/create") == 1


def test_a_missing_image_is_final_at_once(engine: FakeEngine, tmp_path: Path) -> None:
    error = refusal(engine, tmp_path)
    assert (error.kind, error.why) == (Refusal.MISSING, "registry r.lan does not have it")
    assert engine.count("POST", "/images/create") == 1


def test_what_may_pass_is_tried_again(engine: FakeEngine, tmp_path: Path) -> None:
    broken = (200, [{"status": "Pulling fs layer", "id": "l1"}, {"error": "unexpected EOF"}])
    unwell = (500, {"message": "received unexpected HTTP status: 503 Service Unavailable"})
    engine.pulls[IMAGE] = [broken, unwell, DONE]
    told = get(engine, tmp_path)
    assert sum("trying again" in line for line in told) == 2
    assert IMAGE in engine.images


def test_an_outage_during_the_transfer_may_pass_too(engine: FakeEngine, tmp_path: Path) -> None:
    cut = (200, [{"status": "Downloading", "id": "l1"}, {"error": "dial tcp 192.0.2.1:443: i/o timeout"}])
    engine.pulls[IMAGE] = [cut, DONE]
    get(engine, tmp_path)
    assert engine.count("POST", "/images/create") == 2


def test_a_registry_that_goes_away_in_the_middle_is_told_so(engine: FakeEngine, tmp_path: Path) -> None:
    refused = {"error": "dial tcp 192.0.2.1:443: connect: connection refused"}
    begun = {"status": "Downloading", "id": "l1", "progressDetail": {"current": 1, "total": 2}}
    engine.pulls[IMAGE] = [(200, [begun, {"status": "Retrying in 5 seconds", "id": "l1"}, refused]), (200, [refused])]
    error = refusal(engine, tmp_path)
    assert error.why == "registry r.lan went away in the middle: connection refused"
    assert error.kind.may_pass


def test_the_engines_own_retries_are_told(engine: FakeEngine, tmp_path: Path) -> None:
    engine.pulls[IMAGE] = (200, [{"status": "Retrying in 5 seconds", "id": "l1"}])
    assert get(engine, tmp_path)[0].endswith("0 of 1 layers, retrying in 5 seconds")


@pytest.mark.parametrize(
    ("error", "tries"), [("filesystem layer verification failed for digest sha256:0", 1), ("stood still for 90 s", 2)]
)
def test_wrong_data_is_final_and_a_stall_nearly_so(engine: FakeEngine, tmp_path: Path, error: str, tries: int) -> None:
    engine.pulls[IMAGE] = (200, [{"error": error}])
    assert refusal(engine, tmp_path).kind.may_pass
    assert engine.count("POST", "/images/create") == tries


def test_trying_ends(engine: FakeEngine, tmp_path: Path) -> None:
    engine.pulls[IMAGE] = (500, {"message": "received unexpected HTTP status: 502 Bad Gateway"})
    error = refusal(engine, tmp_path)
    assert error.kind is Refusal.TRANSIENT
    assert "502 Bad Gateway" in error.why
    assert engine.count("POST", "/images/create") == 4
    assert Verdicts(engine.host).unreachable("r.lan") == ""


def test_an_engine_that_says_nothing_gives_a_quick_verdict(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pull, "_PATIENCE", 0.2)
    monkeypatch.setattr(Verdicts, "_by_engine", {})
    with socket.socket(socket.AF_UNIX) as hanging:
        hanging.bind(str(tmp_path / "slow.sock"))
        hanging.listen()
        fake = type("Engine", (), {"host": f"unix://{tmp_path}/slow.sock"})
        error = refusal(fake, tmp_path)
    assert error.kind is Refusal.UNREACHABLE
    assert error.why == "registry r.lan did not answer: nothing within 0.2 s"


def test_a_dead_engine_is_no_matter_of_the_registry(engine: FakeEngine, tmp_path: Path) -> None:
    engine.close()
    with pytest.raises(EngineSilent):
        get(engine, tmp_path)
    assert Verdicts(engine.host).unreachable("r.lan") == ""


class TestAsk:
    def ask(self, engine: FakeEngine, folder: Path) -> str:
        environ = {"HOME": str(folder)}
        return pull.ask(Endpoint(engine.host), Reference.parse(IMAGE), Verdicts(engine.host), environ)

    def test_a_registry_that_has_it(self, engine: FakeEngine, tmp_path: Path) -> None:
        engine.registry[IMAGE] = (200, {"Descriptor": {}})
        assert self.ask(engine, tmp_path) == ""
        assert engine.count("POST", "/images/create") == 0

    def test_a_registry_that_lacks_it(self, engine: FakeEngine, tmp_path: Path) -> None:
        assert self.ask(engine, tmp_path) == "registry r.lan does not have it"

    def test_a_registry_that_is_not_there_is_asked_once(self, engine: FakeEngine, tmp_path: Path) -> None:
        engine.registry[IMAGE] = NO_HOST
        for _ in range(2):
            assert self.ask(engine, tmp_path) == "registry r.lan did not answer: no such host"
        assert engine.count("GET", f"/distribution/{IMAGE}/json") == 1
