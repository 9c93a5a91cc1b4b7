import pytest

from sdcm.errors import UsageProblem
from sdcm.run.project import find_project, require_no_paths, resolve_targets


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "unit_tests" / "integration"
    folder.mkdir(parents=True)
    (folder / "test_cql.py").touch()
    (tmp_path / "unit_tests" / "test_sums.py").touch()
    return tmp_path


def test_the_project_is_found_from_below(root):
    assert find_project(root / "unit_tests" / "integration") == root


def test_no_project_is_a_mistake(tmp_path):
    with pytest.raises(UsageProblem, match="unit_tests"):
        find_project(tmp_path)


@pytest.mark.parametrize(
    ("wanted", "target"),
    [
        ("integration/test_cql.py", "unit_tests/integration/test_cql.py"),
        ("integration/test_cql.py::test_a", "unit_tests/integration/test_cql.py::test_a"),
        ("unit_tests/test_sums.py", "unit_tests/test_sums.py"),
        ("integration", "unit_tests/integration"),
    ],
)
def test_a_target_is_relative_to_unit_tests_or_to_here(root, wanted, target):
    assert resolve_targets(root, root, [wanted]) == (target,)


def test_a_target_may_be_relative_to_a_folder_below(root):
    assert resolve_targets(root, root / "unit_tests" / "integration", ["test_cql.py"]) == (
        "unit_tests/integration/test_cql.py",
    )


def test_no_target_is_the_whole_folder(root):
    assert resolve_targets(root, root, [""]) == ("unit_tests",)


def test_a_wrong_path_is_answered_with_near_names(root):
    with pytest.raises(UsageProblem, match=r"did you mean integration/test_cql\.py"):
        resolve_targets(root, root, ["test_cqll.py"])


def test_a_project_may_call_its_folder_of_tests_tests(tmp_path):
    (tmp_path / "tests" / "integration").mkdir(parents=True)
    (tmp_path / "tests" / "integration" / "test_a.py").touch()
    assert find_project(tmp_path / "tests" / "integration") == tmp_path
    assert resolve_targets(tmp_path, tmp_path, []) == ("tests",)
    assert resolve_targets(tmp_path, tmp_path, ["integration/test_a.py"]) == ("tests/integration/test_a.py",)


@pytest.mark.parametrize(
    "words", [["integration/test_cql.py"], ["-x", "unit_tests"], ["--tb=short", "test_sums.py::test_a"]]
)
def test_a_path_among_pytests_arguments_is_a_mistake(root, words):
    with pytest.raises(UsageProblem, match=rf"{words[-1]}: tests are chosen with -t -- .* unit-tests -t {words[-1]}"):
        require_no_paths(root, root, "unit-tests", words)


@pytest.mark.parametrize(
    "words", [["-s", "--pdb"], ["--deselect", "unit_tests/test_sums.py"], ["-p", "unit_tests"], [""]]
)
def test_values_of_pytests_options_may_be_paths(root, words):
    require_no_paths(root, root, "unit-tests", words)
