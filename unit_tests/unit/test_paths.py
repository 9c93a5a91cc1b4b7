"""Where things are kept."""

import os
import stat
from pathlib import Path

import pytest

from sdcm import paths


def test_each_directory_moves_with_one_variable() -> None:
    found = paths.from_environment(
        {"SCT_RUNTIME_DIR": "/a", "SCT_STATE_DIR": "/b", "SCT_CACHE_DIR": "/c", "SCT_ENGINE_DIR": "/d"}
    )
    assert (found.runtime, found.state, found.cache, found.engine) == (Path("/a"), Path("/b"), Path("/c"), Path("/d"))
    assert found.run_state("0badcafe") == Path("/b/runs/0badcafe")
    assert found.run_runtime("0badcafe") == Path("/a/0badcafe")


def test_an_empty_variable_counts_as_unset() -> None:
    found = paths.from_environment({"HOME": "/home/u", "SCT_STATE_DIR": ""})
    assert found.state == Path("/home/u/.local/state/sct")


def test_a_relative_directory_is_one_of_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    environ = {"HOME": "/home/u", "SCT_STATE_DIR": "rel/s", "SCT_RUNTIME_DIR": "/r", "XDG_CACHE_HOME": "rel"}
    found = paths.from_environment(environ)
    assert (found.state, found.runtime, found.cache) == (tmp_path / "rel" / "s", Path("/r"), tmp_path / "rel" / "sct")
    full = paths.made_absolute(environ)
    assert full == {"SCT_STATE_DIR": str(tmp_path / "rel/s"), "XDG_CACHE_HOME": str(tmp_path / "rel")}
    monkeypatch.chdir("/")
    assert paths.from_environment({**environ, **full}) == found


def test_the_base_directories_of_a_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    plain = paths.from_environment({"HOME": "/home/u"})
    assert plain.state == Path("/home/u/.local/state/sct")
    assert plain.cache == Path("/home/u/.cache/sct")
    assert plain.engine == Path("/home/u/.cache/sct/engine")
    assert plain.runtime.name == "sct-1000"
    xdg = paths.from_environment(
        {"HOME": "/home/u", "XDG_RUNTIME_DIR": "/run/user/1000", "XDG_STATE_HOME": "/s", "XDG_CACHE_HOME": "/c"}
    )
    assert (xdg.runtime, xdg.state, xdg.cache) == (Path("/run/user/1000/sct"), Path("/s/sct"), Path("/c/sct"))


def test_root_has_a_short_runtime_directory_for_sockets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    found = paths.from_environment({"HOME": "/home/u", "XDG_RUNTIME_DIR": "/run/user/0"})
    if Path("/run").is_dir():
        assert found.runtime == Path("/run/sct")
    assert found.engine == Path("/var/lib/sct/engine")
    # A Unix socket's path holds 107 characters.
    assert len(str(found.run_runtime("0badcafe"))) < 40


def test_the_process_environment_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCT_STATE_DIR", "/from/here")
    assert paths.from_environment().state == Path("/from/here")


def test_looking_makes_nothing(tmp_path: Path) -> None:
    found = paths.from_environment({"HOME": str(tmp_path), "SCT_RUNTIME_DIR": str(tmp_path / "run")})
    assert not found.runs.exists()
    assert not list(tmp_path.iterdir())


def test_a_file_where_a_private_directory_should_be_stays_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch(mode=0o644)
    before = file.stat().st_mode
    with pytest.raises(NotADirectoryError):
        paths.make_private(file)
    assert file.stat().st_mode == before


def test_a_private_directory_is_closed_to_others_even_if_it_was_open(tmp_path: Path) -> None:
    open_before = tmp_path / "open"
    open_before.mkdir(mode=0o755)
    for directory in (open_before, tmp_path / "new" / "below"):
        assert paths.make_private(directory) == directory
        assert stat.S_IMODE(directory.stat().st_mode) == 0o700


def test_a_directory_with_something_in_it_keeps_its_mode(tmp_path):
    shared = tmp_path / "shared"
    (shared / "somebodys").mkdir(parents=True)
    shared.chmod(0o755)
    paths.make_private(shared)
    assert stat.S_IMODE(shared.stat().st_mode) == 0o755
