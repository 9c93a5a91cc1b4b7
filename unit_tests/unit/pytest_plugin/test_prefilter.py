"""Which files are passed over, and that none is passed over wrongly."""

import pytest

from sdcm.pytest_plugin.prefilter import holds_integration_tests_alone, may_hold_integration_tests


def file_with(folder, text, name="test_it.py"):
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("text", "may"),
    [
        ("def test_sum(): pass\n", False),
        ("import pytest\n@pytest.mark.integration\ndef test_it(): pass\n", True),
        ("from marks import integration\n@integration\ndef test_it(): pass\n", True),
        ("pytestmark = [MARKS['integration']]\n", True),
        ("for name in 'slow, integration'.split(): mark(name)\n", True),
        ("import marks.integration\n", True),
        ("import pytest.mark as marks\nneeds = marks.integration()\n", True),
        ("from marks import needs_docker as integration\n", True),
        ("def test_it(: integration\n", True),
        ("# integration\ndef test_it():\n    'No integration.'\n", False),
        ("SAMPLE = '@pytest.mark.integration\\ndef test_it(): pass'\n", False),
        ("def test_it(): run('-m integration')\n", False),
        ("FOLDER = 'unit_tests/integration'\n", False),
        ("from disintegrations import x\n", False),
    ],
)
def test_the_word_in_the_file(tmp_path, text, may):
    assert may_hold_integration_tests(file_with(tmp_path, text), tmp_path) is may


def test_a_conftest_above_may_mark_what_lies_below(tmp_path):
    file_with(tmp_path / "a", "def pytest_itemcollected(item): item.add_marker('integration')\n", "conftest.py")
    assert may_hold_integration_tests(file_with(tmp_path / "a" / "b" / "c", "def test(): pass\n"), tmp_path)
    assert not may_hold_integration_tests(file_with(tmp_path / "d", "def test(): pass\n"), tmp_path)


@pytest.mark.parametrize(
    ("text", "alone"),
    [
        ("pytestmark = pytest.mark.integration\n", True),
        ("import pytest\n\npytestmark = [\n    pytest.mark.slow,\n    pytest.mark.integration,\n]\n", True),
        ("pytestmark = [pytest.mark.slow]\n# pytest.mark.integration\n", False),
        ("pytestmark = pytest.mark.integration if CI else ()\n", False),
        ("@pytest.mark.integration\ndef test_it(): pass\n", False),
        ("class TestIt:\n    pytestmark = pytest.mark.integration\n", False),
        ("# pytestmark = pytest.mark.integration\n", False),
        ("pytestmark = [\n    pytest.mark.slow,\n    # pytest.mark.integration,\n]\n", False),
        ("pytestmark = [pytest.mark.slow('[]'), pytest.mark.integration]\n", True),
        ("pytestmark: list = (mark.integration(),)\n", True),
        ("pytestmark = pytest.mark.integration  # all of them\n", True),
        ("pytestmark = pytest.mark.integration\npytestmark = []\n", False),
        ("pytestmark = pytest.mark.integration\nif CI:\n    pytestmark = []\n", False),
        ("pytestmark = [pytest.mark.unit]\nSAMPLE = 'pytestmark = pytest.mark.integration'\n", False),
        ("pytestmark = pytest.mark.integration\n)\n", False),
    ],
)
def test_a_file_of_integration_tests_alone(tmp_path, text, alone):
    assert holds_integration_tests_alone(file_with(tmp_path, text)) is alone
