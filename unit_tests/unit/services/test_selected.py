"""The selection, as it is handed from the collecting pytest to the run."""

from pathlib import Path

from sdcm.services import selected
from sdcm.services.selected import SelectedTest


def test_a_selection_comes_back_as_it_was_written(tmp_path: Path) -> None:
    tests = (
        SelectedTest("unit_tests/a.py::test_a[x-1]", "unit_tests/a.py"),
        SelectedTest(
            nodeid="b.py::test_b",
            file="b.py",
            services=("aws", "docker"),
            images=("cassandra",),
            nodes=2,
            group="heavy",
            shared_lease=True,
            skip_reason="aws: nothing is set",
        ),
    )
    path = tmp_path / "selection.json"
    selected.write(path, tests)
    assert selected.read(path) == tests
    assert [file.name for file in tmp_path.iterdir()] == ["selection.json"]


def test_an_empty_selection_is_a_selection(tmp_path: Path) -> None:
    selected.write(tmp_path / "s", [])
    assert selected.read(tmp_path / "s") == ()
