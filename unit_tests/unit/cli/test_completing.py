import click
import pytest
from click.shell_completion import ShellComplete

from sdcm.cli.main import _one_line, sct


@pytest.fixture
def offered(tmp_path, monkeypatch):
    """A function that returns what is offered for a line, in a project with tests."""
    (tmp_path / "unit_tests" / "integration").mkdir(parents=True)
    (tmp_path / "unit_tests" / "__pycache__").mkdir()
    for name in ("test_a.py", "integration/test_b.py", "integration/conftest.py"):
        (tmp_path / "unit_tests" / name).touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SCT_STATE_DIR", str(tmp_path / "state"))

    def offer(*words):
        completer = ShellComplete(sct, {}, "sct", "_SCT_COMPLETE")
        return [item.value for item in completer.get_completions(list(words[:-1]), words[-1])]

    return offer


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (["env", "u"], ["up"]),
        (["unit-tests", "-t", ""], ["integration/", "test_a.py"]),
        (["unit-tests", "-t", "integration/"], ["integration/test_b.py"]),
        (["unit-tests", "-t", "unit_tests/te"], ["unit_tests/test_a.py"]),
        (["integration-tests", "--require", "g"], ["gce"]),
        (["report", ""], []),
        (["completion", ""], ["bash", "zsh", "fish"]),
    ],
)
def test_values_are_offered(offered, words, wanted):
    assert offered(*words) == wanted


def test_nothing_is_offered_outside_a_project(offered, tmp_path_factory, monkeypatch):
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    assert offered("unit-tests", "-t", "") == []


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["integration-tests", "--db", "scyla"], "Did you mean 'scylla'?"),
        (["integration-tests", "--keep-faild"], "--keep-failed"),
        (["imags"], "Did you mean 'images'?"),
        (["images", "lst"], "Did you mean 'list'?"),
    ],
)
def test_what_is_mistyped_is_answered_with_the_nearest(words, told):
    with pytest.raises(click.UsageError) as raised:
        sct.main(words, standalone_mode=False)
    assert told in _one_line(raised.value)
