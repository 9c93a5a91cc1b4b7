"""Labels tell what is ours."""

import re

import pytest

from sdcm.ownership import labels


def test_run_ids_are_eight_hexadecimal_digits_and_differ() -> None:
    ids = {labels.new_run_id() for _ in range(100)}
    assert len(ids) == 100
    assert all(re.fullmatch("[0-9a-f]{8}", run_id) for run_id in ids)


def test_labels_name_run_role_and_test() -> None:
    assert labels.of_run("0badcafe", "node") == {"sct.run": "0badcafe", "sct.role": "node"}
    assert labels.of_run("0badcafe", "node", "t.py::test")["sct.test"] == "t.py::test"


@pytest.mark.parametrize(
    ("found", "run", "ours"),
    [
        pytest.param(None, None, False, id="an object without labels"),
        pytest.param({"com.example": "x"}, None, False, id="somebody else's"),
        pytest.param({"sct.run": "0badcafe"}, None, True, id="of any run"),
        pytest.param({"sct.run": "0badcafe"}, "0badcafe", True, id="of this run"),
        pytest.param({"sct.run": "0badcafe"}, "deadbeef", False, id="of another run"),
        pytest.param({"sct.role": "node"}, None, False, id="a role without a run"),
    ],
)
def test_only_the_run_label_makes_it_ours(found: dict[str, str] | None, run: str | None, ours: bool) -> None:
    assert labels.is_ours(found, run) is ours
