import pytest

from sdcm.pytest_plugin import config_fixtures


class MarkedItem:
    """A test with one `sct_config` marker, or none."""

    nodeid = "test_a.py::test_a"

    def __init__(self, mark=None):
        self._mark = mark.mark if mark else None

    def get_closest_marker(self, name):
        return self._mark


SCT_CONFIG = pytest.mark.sct_config


@pytest.mark.parametrize(
    ("mark", "files"),
    [
        pytest.param(None, (), id="none"),
        pytest.param(SCT_CONFIG("a.yaml"), "a.yaml", id="by position"),
        pytest.param(SCT_CONFIG(files=["a.yaml", "b.yaml"]), ["a.yaml", "b.yaml"], id="by name"),
    ],
)
def test_files_are_named_by_position_or_by_name(mark, files):
    assert config_fixtures._files_of(MarkedItem(mark)) == files


@pytest.mark.parametrize("mark", [SCT_CONFIG(), SCT_CONFIG("a", "b"), SCT_CONFIG(file="a"), SCT_CONFIG("a", files="b")])
def test_a_marker_that_names_no_files_is_a_mistake(mark):
    with pytest.raises(pytest.UsageError, match="sct_config"):
        config_fixtures._files_of(MarkedItem(mark))
