"""Files, comments, fixes, the command."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from sdcm.cli.lint import command
from sdcm.errors import UsageProblem
from sdcm.lint import linter
from sdcm.lint.fixing import fixed
from sdcm.lint.linter import Linted, Linter
from sdcm.lint.rules import RULES, chosen, explanation
from sdcm.lint.source import parse
from sdcm.services.rooms import room_of

UNMARKED = 'def test_a(docker_scylla):\n    """A node is there."""\n    assert docker_scylla\n'
FIXABLE = [rule.id for rule in RULES.values() if rule.fixable]


def lint(path: Path) -> Linted:
    return Linter().lint([path])


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "unit_tests/integration/test_a.py"
    path.parent.mkdir(parents=True)
    path.write_text(UNMARKED)
    return path


def test_folders_are_searched_for_tests_and_a_finding_names_file_and_line(file: Path) -> None:
    (file.parent / "notes.py").write_text(UNMARKED)
    (file.parent / "__pycache__").mkdir()
    (file.parent / "__pycache__" / "test_b.py").write_text(UNMARKED)
    linted = lint(file.parents[1])
    assert (linted.files, linted.tests) == (1, 1)
    assert [str(finding) for finding in linted.findings] == [
        f"{file}:1: I01 test_a: add @pytest.mark.integration (otherwise it runs in unit-tests)"
    ]


def test_a_file_that_is_no_python_is_a_finding(file: Path) -> None:
    file.write_text("def test_a(:\n")
    (finding,) = lint(file).findings
    assert (finding.rule, finding.line) == (linter.UNREADABLE, 1)
    file.write_bytes(b"\xff\xfe\x00")
    assert lint(file).findings[0].rule == linter.UNREADABLE


def test_a_path_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageProblem, match="no such file"):
        lint(tmp_path / "none")


@pytest.mark.parametrize("place", ["above", "at", "inside"])
def test_a_comment_with_a_reason_lets_a_rule_be_broken(file: Path, place: str) -> None:
    comment = "# sct: ignore[I01] runs wherever it is"
    text = UNMARKED.replace("):\n", f"):  {comment}\n") if place == "at" else f"{comment}\n{UNMARKED}"
    if place == "inside":
        text = "@mark\n" + comment + "\n" + UNMARKED
    file.write_text(text)
    assert lint(file).findings == ()


@pytest.mark.parametrize(
    ("comment", "said"),
    [
        pytest.param("# sct: ignore[I01]", "without a reason", id="no reason"),
        pytest.param("# sct: ignore because", "names no rule", id="no rule"),
    ],
)
def test_a_comment_without_reason_or_rule_is_not_heard(file: Path, comment: str, said: str) -> None:
    file.write_text(f"{comment}\n{UNMARKED}")
    findings = lint(file).findings
    assert [finding.rule for finding in findings] == ["I00", "I01"]
    assert said in findings[0].message


def test_a_comment_that_lets_nothing_pass_is_told(file: Path) -> None:
    file.write_text("import pytest\n\n# sct: ignore[I01] once\n@pytest.mark.integration\n" + UNMARKED)
    (finding,) = lint(file).findings
    assert "lets nothing pass" in finding.message
    assert Linter(chosen("I08")).lint([file]).findings == ()


def test_conftests_above_are_looked_into(file: Path) -> None:
    (file.parent / "conftest.py").write_text(
        'import pytest\n\n@pytest.fixture\ndef bucket():\n    """B.\n\n    External services: AWS S3\n    """\n'
    )
    file.write_text(
        "import pytest\nfrom sdcm import wait\n\n@pytest.mark.integration\n"
        "def test_a(bucket):\n    '''A.'''\n    assert wait\n"
    )
    assert [finding.rule for finding in lint(file).findings] == ["I05"]


@pytest.mark.parametrize(
    ("name", "text", "acts"),
    [
        pytest.param("pytest.ini", "[pytest]\nsct = true\n", True, id="ini"),
        pytest.param("pytest.ini", "[pytest]\n", False, id="ini without"),
        pytest.param("pyproject.toml", "[tool.pytest.ini_options]\nsct = true\n", True, id="toml"),
        pytest.param("pyproject.toml", "[project]\n", False, id="toml without"),
        pytest.param("setup.cfg", "[tool:pytest]\nsct = 1\n", True, id="cfg"),
        pytest.param("tox.ini", "[tox]\n", False, id="tox"),
    ],
)
def test_whether_the_plugin_acts_is_read_from_the_projects_configuration(
    tmp_path: Path, name: str, text: str, acts: bool
) -> None:
    (tmp_path / name).write_text(text)
    (tmp_path / "a" / "b").mkdir(parents=True)
    assert linter.plugin_acts(tmp_path / "a" / "b") is acts


@pytest.mark.parametrize(
    ("path", "room"),
    [
        pytest.param("unit_tests/integration/x/test_a.py", Path("unit_tests/integration").name, id="tests of services"),
        pytest.param("tests/acceptance/test_a.py", "acceptance", id="acceptance"),
        pytest.param("unit_tests/test_a.py", "unit", id="root"),
        pytest.param("unit_tests/unit/integration/test_a.py", "unit", id="deeper"),
        pytest.param("src/test_a.py", "", id="elsewhere"),
    ],
)
def test_rooms(path: str, room: str) -> None:
    assert room_of(Path("/p") / path) == room


@pytest.mark.parametrize("rule", FIXABLE)
def test_fixes_mend_the_rules_own_examples(rule: str) -> None:
    sample = RULES[rule]
    path = Path("/nonexistent") / sample.path
    before = Linter().check(parse(path, sample.bad))
    text, mended = fixed(sample.bad, before)
    assert mended == len(before) > 0
    assert Linter().check(parse(path, text)) == []


def test_a_fix_imports_what_it_needs_and_keeps_the_rest() -> None:
    text = '"""Doc: ä."""\nfrom __future__ import annotations\n\nimport os\n\n\n'
    text += 'class TestA:\n    def test_a(self, docker_scylla):\n        """ä."""\n'
    path = Path("/nonexistent/unit_tests/integration/test_a.py")
    done, mended = fixed(text, Linter().check(parse(path, text)))
    assert mended == 1
    assert done.count("import pytest\n") == 1
    assert "    @pytest.mark.integration\n    def test_a" in done
    assert done.index("annotations") < done.index("import pytest") < done.index("import os")


def test_a_rule_that_is_not_there_is_wrong_usage() -> None:
    with pytest.raises(UsageProblem, match="no rule I99"):
        chosen("I99")
    assert list(chosen("i08, I09")) == ["I08", "I09"]
    assert "I20" not in chosen("", advice=False)
    assert RULES["I08"].why in explanation("i08")


def test_the_command(file: Path) -> None:
    runner = CliRunner()
    done = runner.invoke(command, [str(file)], standalone_mode=False)
    assert done.return_value == 1
    assert "1 files with 1 tests: 1 finding" in done.output
    record = json.loads(runner.invoke(command, ["--json", str(file)], standalone_mode=False).output)
    assert [finding["rule"] for finding in record["findings"]] == ["I01"]
    assert record["findings"][0]["fixable"] is True
    done = runner.invoke(command, ["--fix", str(file)], standalone_mode=False)
    assert (done.return_value, "no findings, 1 fixed" in done.output) == (0, True)
    assert file.read_text().startswith("import pytest\n\n@pytest.mark.integration\n")


def test_advice_alone_is_no_failure(file: Path) -> None:
    file.write_text(RULES["I20"].bad)
    done = CliRunner().invoke(command, [str(file)], standalone_mode=False)
    assert done.return_value == 0
    assert "(advice)" in done.output
