import importlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sdcm import bytecode


@pytest.fixture
def refused(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """An interpreter that was told to write none; the environment that says so."""
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.setattr(sys, "pycache_prefix", None)
    yield {"PYTHONDONTWRITEBYTECODE": "1"}
    importlib.invalidate_caches()


def test_this_process_and_its_children_keep_it_outside_the_tree(
    refused: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "venv"))
    (tmp_path / "venv").mkdir()
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "some_module.py").write_text("")
    with bytecode.kept_apart(refused) as place:
        assert place == tmp_path / "venv" / "bytecode"
        assert refused == {"PYTHONPYCACHEPREFIX": str(place)}
        assert (sys.dont_write_bytecode, sys.pycache_prefix) == (False, str(place))
        subprocess.run(
            [sys.executable, "-c", "import some_module"], cwd=tmp_path / "tree", env=refused, check=True, timeout=20
        )
    assert [file.name for file in (tmp_path / "tree").rglob("*")] == ["some_module.py"]
    assert [file.name.partition(".")[0] for file in place.rglob("some_module*.pyc")] == ["some_module"]
    assert refused == {"PYTHONDONTWRITEBYTECODE": "1"}
    assert (sys.dont_write_bytecode, sys.pycache_prefix) == (True, None)


@pytest.mark.parametrize(("refuses", "prefix"), [(False, None), (True, "/elsewhere")])
def test_pythons_own_way_and_the_users_own_place_stay(
    refuses: bool, prefix: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", refuses)
    monkeypatch.setattr(sys, "pycache_prefix", prefix)
    environ = {"A": "b"}
    with bytecode.kept_apart(environ) as place:
        assert (place, environ) == (None, {"A": "b"})
        assert (sys.dont_write_bytecode, sys.pycache_prefix) == (refuses, prefix)


def test_without_an_environment_of_ones_own_a_cache_of_the_user_serves(
    refused: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "prefix", sys.base_prefix)
    with bytecode.kept_apart({**refused, "SCT_CACHE_DIR": str(tmp_path)}) as place:
        assert place == tmp_path / "bytecode"


def test_what_belongs_to_folders_that_are_gone_is_dropped(tmp_path: Path) -> None:
    place, living = tmp_path / "bytecode", tmp_path / "living"
    living.mkdir()
    mirrored = place / living.relative_to("/")
    for folder in (mirrored, mirrored / "gone" / "deep"):
        folder.mkdir(parents=True)
        (folder / "a.cpython-311.pyc").write_bytes(b"")
    bytecode.drop_stale(str(place))
    assert [str(file.relative_to(mirrored)) for file in mirrored.rglob("*")] == ["a.cpython-311.pyc"]


def test_a_place_that_somebody_else_has_set_up_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.setattr(sys, "pycache_prefix", str(tmp_path))
    monkeypatch.setattr(sys, "flags", type("Flags", (), {"dont_write_bytecode": 0}))
    bytecode.drop_stale()
    assert (tmp_path / "gone").is_dir()
