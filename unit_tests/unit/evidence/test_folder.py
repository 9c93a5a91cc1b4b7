"""Evidence folders: names, limits, secrets."""

from sdcm.evidence.folder import EvidenceFolder, Limits, reports_folder, safe_name, size_of


def untouched(text):
    """Redact nothing."""
    return text


def test_a_folders_name_is_readable_safe_and_of_one_test_alone():
    """Ids that differ only in what a name cannot hold get different names; a long one stays short."""
    names = [
        safe_name(f"unit_tests/integration/test_ring.py::TestA::test_x[{value}]") for value in ("a/b", "a b", "..")
    ]
    assert len(set(names)) == 3
    assert names[0].startswith("test_ring-TestA-test_x-a-b-")
    assert all("/" not in name and ".." not in name and len(name) < 100 for name in names)
    assert len(safe_name("a.py::t[" + "x" * 5000 + "]")) < 100
    assert safe_name("::").strip("-.")


def test_a_test_that_fails_again_gets_a_folder_of_its_own(tmp_path):
    """With `--repeat` the first run's evidence stays."""
    first, second = (EvidenceFolder(tmp_path, "a.py::t", untouched) for _ in range(2))
    assert second.path.name == f"{first.path.name}-2"
    assert first.name == f"evidence/{first.path.name}"


def test_a_long_file_keeps_its_beginning_and_its_end_and_says_what_is_missing(tmp_path):
    """A quarter of the room is for the beginning."""
    folder = EvidenceFolder(tmp_path, "a.py::t", untouched, Limits(file=10_000))
    kept = folder.write("x.log", "a log", "A" * 9_000 + "B" * 9_000)
    told = (folder.path / "x.log").read_text()
    assert kept.cut == 8_000
    assert told.startswith("A" * 2_500 + "\n[... 8000 bytes left out")
    assert told.endswith("\n" + "B" * 7_500)
    assert kept.bytes == len(told) == (folder.path / "x.log").stat().st_size


def test_a_test_and_a_run_have_only_so_much_room(tmp_path):
    """What finds no room is named; the index is written all the same; other folders count."""
    limits = Limits(file=6_000, test=11_000, run=16_000)
    first = EvidenceFolder(tmp_path, "a.py::t", untouched, limits)
    assert [bool(first.write(f"{name}.log", "", "x" * 6_000)) for name in "abc"] == [True, True, False]
    assert first.left_out == ["c.log"]
    second = EvidenceFolder(tmp_path, "a.py::u", untouched, limits)
    assert second.write("a.log", "", "x" * 6_000).cut > 0
    assert second.write("b.log", "", "x" * 6_000) is None
    assert second.write("README.md", "", "x" * 6_000, always=True)
    assert size_of(tmp_path / "evidence") < 16_000 + 6_000 + 500


def test_no_secret_is_written_and_no_file_lies_elsewhere(tmp_path):
    """The redactor sees every text; a name that leads out of the folder is made harmless."""
    folder = EvidenceFolder(tmp_path, "a.py::t", lambda text: text.replace("s3cret", "(hidden)"))
    folder.write("../../x/y.log", "", "key s3cret")
    assert (folder.path / "..-..-x-y.log").read_text() == "key (hidden)"
    assert [path.name for path in tmp_path.iterdir()] == ["evidence"]


def test_the_reports_folder_is_what_the_runs_start_wrote_down(tmp_path):
    """Without it, or torn, it is the run's state directory."""
    assert reports_folder(tmp_path) == tmp_path
    (tmp_path / "report.json").write_text('{"folder": "/elsewhere/reports"}')
    assert str(reports_folder(tmp_path)) == "/elsewhere/reports"
    (tmp_path / "report.json").write_text('{"folder": "/else')
    assert reports_folder(tmp_path) == tmp_path
