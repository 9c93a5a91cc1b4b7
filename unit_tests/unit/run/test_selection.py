from sdcm.run.options import RunOptions
from sdcm.run.selection import files_of, selection_arguments
from sdcm.services.selected import SelectedTest


def chosen(tmp_path, *files):
    for file in files:
        (tmp_path / file).touch()
    return [SelectedTest(f"{file}::test_{n}", file) for file in files for n in range(2)]


def test_workers_collect_only_the_files_of_chosen_tests(tmp_path):
    tests = chosen(tmp_path, "b.py", "a.py")
    assert files_of(tests, ("unit_tests",), tmp_path) == ("b.py", "a.py")


def test_single_tests_are_named_as_they_were(tmp_path):
    assert files_of(chosen(tmp_path, "a.py"), ("a.py::test_1",), tmp_path) == ("a.py::test_1",)


def test_files_known_by_another_folder_are_left_to_the_targets(tmp_path):
    assert files_of([SelectedTest("x.py::t", "x.py")], ("unit_tests",), tmp_path) == ("unit_tests",)


def test_nothing_chosen_leaves_the_targets(tmp_path):
    assert files_of([], ("unit_tests",), tmp_path) == ("unit_tests",)


def test_collecting_and_running_choose_alike():
    options = RunOptions("integration-tests", marks="a or b", keyword="k", pytest_args=("--lf",))
    assert selection_arguments(options, ("t",)) == [
        "--strict-markers", "-m", "(integration) and (a or b)", "-k", "k", "--lf", "t",
    ]  # fmt: skip
