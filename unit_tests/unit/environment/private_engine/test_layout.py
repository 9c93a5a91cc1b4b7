from pathlib import Path

from sdcm.environment.private_engine.layout import Layout, Record, read_record, remove_record, write_record
from sdcm.ownership.docker_endpoint import is_private_host
from sdcm.paths import Paths


def paths(base: Path) -> Paths:
    return Paths(base / "run", base / "state", base / "cache", base / "engine")


def test_names_follow_from_the_engine_directory(tmp_path: Path) -> None:
    one, other = Layout.of(paths(tmp_path / "1")), Layout.of(paths(tmp_path / "2"))
    assert one.tag != other.tag
    assert one == Layout.of(paths(tmp_path / "1"))
    assert one.bridge == f"sct-{one.tag}"
    assert len(one.bridge) <= 15
    assert len(one.chain) <= 28
    assert is_private_host(one.endpoint.host)


def test_socket_paths_fit_however_deep_the_runtime_directory(tmp_path: Path) -> None:
    deep = Layout.of(paths(tmp_path / ("x" * 120)))
    for path in (deep.containerd_socket, deep.exec_root / "libnetwork" / "0123456789ab.sock"):
        assert len(f"{path}.ttrpc") < 108
    assert is_private_host(deep.endpoint.host)


def test_the_record_says_where_the_live_engine_is(tmp_path: Path) -> None:
    base = tmp_path / "engine"
    base.mkdir()
    before = Layout.of(paths(tmp_path))
    assert read_record(base) is None
    record = Record("/run/sct/engine-0a1b2c", "10.201.0.0/16", "0")
    write_record(base, record)
    assert read_record(base) == record
    assert Layout.of(paths(tmp_path)).live == Path("/run/sct/engine-0a1b2c")
    for _ in range(2):
        remove_record(base)
    assert Layout.of(paths(tmp_path)) == before


def test_a_damaged_record_is_none(tmp_path: Path) -> None:
    (tmp_path / "engine.json").write_text('{"live": "/x"')
    assert read_record(tmp_path) is None
    (tmp_path / "engine.json").write_text('{"unknown": 1}')
    assert read_record(tmp_path) is None
