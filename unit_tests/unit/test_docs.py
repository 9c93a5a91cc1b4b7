"""What README.md and docs/ show exists: links, commands with their options, imports, fixtures, markers."""

import ast
import importlib
import json
import re
import runpy
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from sdcm.cli.main import sct
from sdcm.pytest_plugin import markers, node_arguments
from sdcm.pytest_plugin.prefilter import MARKER
from sdcm.services import labels
from unit_tests.lib.cloud_sdks import NAMES as SDK_NAMES

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
#: Pages whose examples are whole tests, to be copied; the others show fragments, or how not to do it.
TUTORIALS = [
    page
    for page in PAGES
    if page.parent in {ROOT, ROOT / "docs", ROOT / "docs" / "guides"} and page.name != "pitfalls.md"
]
OUR_FIXTURES = {name for name, *_ in runpy.run_path(str(ROOT / "docs/reference/fixtures_page.py"))["fixtures"]()}
PYTESTS_FIXTURES = {"capsys", "caplog", "monkeypatch", "request", "tmp_path", "tmp_path_factory"}
PYTESTS_MARKERS = {"parametrize", "skip", "skipif", "usefixtures", "xdist_group", "xfail"}
PYTESTS_OPTIONS = {"--dist", "--ff", "--lf", "--pdb", "--trace"}
#: Of our plugin's, which pytest itself takes.
PLUGINS_OPTIONS = {"--strict-events"}
#: Fixtures that a unit test cannot have.
SERVICE_FIXTURES = {name for name in OUR_FIXTURES if labels.of_fixtures([name])}
_FENCE = re.compile(
    r"^(?P<indent> *)(?P<ticks>```+)(?P<language>\w*)\n(?P<code>.*?)^(?P=indent)(?P=ticks)$", re.MULTILINE | re.DOTALL
)
_COMMAND = re.compile(r"\bsct(?:\.py)? +(?=[a-z-])(?P<words>[^`\n]*)")
_LINK = re.compile(r"\[[^\]\n]*(?:\n[^\]\n]*)?\]\((?P<target>[^)\s]+)\)")
_QUOTED = re.compile(r"""(['"])[^'"]*\1""")
#: Where a command on a line of shell ends, be it by the quote that closes what it stands in.
_SHELL = re.compile(r"""[;|&<>#)'"]""")


@dataclass(frozen=True)
class Block:
    """A fenced block of a page."""

    page: Path
    line: int
    language: str
    code: str

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def blocks(page: Path) -> Iterator[Block]:
    text = page.read_text(encoding="utf-8")
    for match in _FENCE.finditer(text):
        code = re.sub(f"^{match['indent']}", "", match["code"], flags=re.MULTILINE)
        yield Block(page, text[: match.start()].count("\n") + 1, match["language"], code)


PYTHON = [block for page in PAGES for block in blocks(page) if block.language == "python"]
READERS: dict[str, Callable[[str], Any]] = {"yaml": yaml.safe_load, "toml": tomllib.loads, "json": json.loads}
DATA = [block for page in PAGES for block in blocks(page) if block.language in READERS]
EXAMPLES = [block for block in PYTHON if "def test_" in block.code]


def anchors(page: Path) -> set[str]:
    """Return what `page.md#...` may name: the headings as GitHub spells them."""
    prose = _FENCE.sub("", page.read_text(encoding="utf-8"))
    headings = re.findall(r"^#+ +(.+)$", prose, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def broken_links(page: Path) -> Iterator[str]:
    """Yield the relative links of a page that lead nowhere."""
    for match in _LINK.finditer(_FENCE.sub("", page.read_text(encoding="utf-8"))):
        target, _, anchor = match["target"].partition("#")
        if re.match(r"[a-z]+:", target):
            continue
        file = (page.parent / target).resolve() if target else page
        if not file.exists() or (anchor and anchor not in anchors(file)):
            yield match["target"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_relative_links_resolve(page: Path) -> None:
    assert list(broken_links(page)) == []


def commands(page: Path) -> Iterator[list[str]]:
    """Yield the words after `sct.py` of each command that a page shows."""
    for match in _COMMAND.finditer(page.read_text(encoding="utf-8")):
        command = re.split(_SHELL, re.sub(_QUOTED, "value", match["words"]))[0]
        yield [word.rstrip(".,:") for word in command.split()]


def _leaves(command: click.Command) -> Iterator[click.Command]:
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            yield from _leaves(command.get_command(context, name) or command)
    else:
        yield command
        yield from getattr(command, "subcommands", {}).values()


OPTIONS = {"--help"} | {name for command in _leaves(sct) for option in command.params for name in option.opts}


def parse(words: list[str]) -> str:
    """Return why click does not know a command or one of its options, empty when it does."""
    command: click.Command = sct
    context = click.Context(sct, info_name="sct.py")
    rest = list(words)
    while isinstance(command, click.Group):
        found = command.get_command(context, rest[0]) if rest else None
        if found is None:
            return f"no command {' '.join(words)!r}"
        command, context = found, click.Context(found, parent=context, info_name=rest.pop(0))
        if not rest and isinstance(command, click.Group):
            return ""  # a group, spoken of as such
    if rest and (below := getattr(command, "subcommands", {}).get(rest[0])):
        command, context = below, click.Context(below, parent=context, info_name=rest.pop(0))
    if "--help" in rest:
        return ""
    try:
        command.make_parser(context).parse_args(rest)
    except click.UsageError as exc:
        return f"{' '.join(words)}: {exc.format_message()}"
    return ""


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_and_options_exist(page: Path) -> None:
    assert [reason for words in commands(page) if (reason := parse(words))] == []


@pytest.mark.parametrize("page", TUTORIALS, ids=lambda page: str(page.relative_to(ROOT)))
def test_options_spoken_of_exist(page: Path) -> None:
    spoken_of = re.findall(r"`(--[a-z-]+)", _FENCE.sub("", page.read_text(encoding="utf-8")))
    assert set(spoken_of) - OPTIONS - PYTESTS_OPTIONS - PLUGINS_OPTIONS == set()


def run_on_lists(page: Path) -> Iterator[str]:
    """Yield the first item of each list that has no empty line above it: a site shows it as part of the sentence."""
    above = ""
    for line in _FENCE.sub("", page.read_text(encoding="utf-8")).splitlines():
        begins = re.match(r" {0,3}([-*]|\d+\.) ", line)
        if begins and above.strip() and not re.match(r" *([-*]|\d+\.) |  ", above):
            yield line
        above = line


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_lists_stand_apart(page: Path) -> None:
    assert list(run_on_lists(page)) == []


def test_a_list_that_runs_on_is_seen(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("Why:\n- one\n- two\n  goes on\n- three\n\nAnd:\n\n1. first\n2. second\n")
    assert list(run_on_lists(page)) == ["- one"]


def test_a_wrong_command_is_seen(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "`uv run sct.py env upp`\n```sh\nsct.py images list --jsn | cat\nsct.py doctor --json && ls -l\n```\n"
    )
    assert [bool(parse(words)) for words in commands(page)] == [True, True, False]


def test_a_broken_link_is_seen(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# One two\n[a](page.md#one-two) [b](#three) [c](none.md) [d](https://example.com)\n")
    assert list(broken_links(page)) == ["#three", "none.md"]


@pytest.mark.parametrize("block", PYTHON, ids=str)
def test_python_compiles_and_its_imports_exist(block: Block) -> None:
    tree = ast.parse(block.code, str(block))
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if not _is_installed_sdk(alias.name):
                    importlib.import_module(alias.name)
        elif isinstance(node, ast.ImportFrom) and node.module and not _is_installed_sdk(node.module):
            module = importlib.import_module(node.module)
            assert [alias.name for alias in node.names if not hasattr(module, alias.name)] == [], node.module


def _is_installed_sdk(name: str) -> bool:
    """Whether a module is of a cloud's SDK, which is installed here but not loaded by these tests."""
    root = name.partition(".")[0]
    return root in SDK_NAMES and PathFinder.find_spec(root) is not None


@pytest.mark.parametrize("block", DATA, ids=str)
def test_data_can_be_read(block: Block) -> None:
    assert READERS[block.language](block.code)


def test_there_are_examples() -> None:
    assert {block.page.name for block in EXAMPLES} >= {
        "README.md",
        "getting-started.md",
        "write-a-test.md",
        "kubernetes.md",
    }


def _marks(node: ast.AST) -> Iterator[ast.Attribute]:
    for inner in ast.walk(node):
        if isinstance(inner, ast.Attribute) and ast.unparse(inner.value) == "pytest.mark":
            yield inner


def _functions(block: Block) -> list[ast.FunctionDef]:
    return [node for node in ast.walk(ast.parse(block.code)) if isinstance(node, ast.FunctionDef)]


def _is_fixture(function: ast.FunctionDef) -> bool:
    return any(ast.unparse(decorator).startswith("pytest.fixture") for decorator in function.decorator_list)


def _parametrized(function: ast.FunctionDef) -> set[str]:
    names: set[str] = set()
    for decorator in function.decorator_list:
        if isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == "pytest.mark.parametrize":
            names |= {name.strip() for name in str(ast.literal_eval(decorator.args[0])).split(",")}
    return names


@pytest.mark.parametrize("block", EXAMPLES, ids=str)
def test_examples_use_known_fixtures_and_markers(block: Block) -> None:
    functions = _functions(block)
    known = OUR_FIXTURES | PYTESTS_FIXTURES | {function.name for function in functions if _is_fixture(function)}
    for function in functions:
        if function.name.startswith("test_") or _is_fixture(function):
            arguments = {argument.arg for argument in function.args.args}
            assert arguments - known - _parametrized(function) == set(), function.name
    used = {mark.attr for mark in _marks(ast.parse(block.code))}
    assert used - set(markers.MARKERS) - PYTESTS_MARKERS == set()


@pytest.mark.parametrize("block", EXAMPLES, ids=str)
def test_examples_name_arguments_of_a_node_that_exist(block: Block) -> None:
    for node in ast.walk(ast.parse(block.code)):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == f"pytest.mark.{node_arguments.MARKER}":
            arguments = {str(keyword.arg): ast.literal_eval(keyword.value) for keyword in node.keywords}
            assert node_arguments.request_of(arguments, "scylla").fixture == "scylla"


@pytest.mark.parametrize("block", [block for block in EXAMPLES if block.page in TUTORIALS], ids=str)
def test_whole_examples_are_marked_and_say_what_they_need(block: Block) -> None:
    tree = ast.parse(block.code)
    whole_file = {mark.attr for node in tree.body if isinstance(node, ast.Assign) for mark in _marks(node)}
    for function in _functions(block):
        if not function.name.startswith("test_"):
            continue
        uses_service = bool({argument.arg for argument in function.args.args} & SERVICE_FIXTURES)
        marks = whole_file | {mark.attr for decorator in function.decorator_list for mark in _marks(decorator)}
        assert not uses_service or MARKER in marks, function.name
        if MARKER in marks:
            assert "External services:" in (ast.get_docstring(function) or ""), function.name


def test_images_that_pages_name_are_the_catalogues() -> None:
    """A page that has people pull another version than the tests run misleads them (flaw 25)."""
    text = (ROOT / "docker" / "catalogue.toml").read_text()
    pinned = {entry["pull"].partition("@")[0] for entry in tomllib.loads(text).values() if "pull" in entry}
    repositories = {reference.rpartition(":")[0] for reference in pinned}
    named = {
        (str(page.relative_to(ROOT)), reference)
        for page in PAGES
        for reference in re.findall(r"\b[\w.-]+/[\w.-]+:[\w.-]*\w", page.read_text())
        if reference.rpartition(":")[0] in repositories
    }
    assert {reference for _, reference in named} >= {"scylladb/scylla:2025.2.0"}
    assert [found for found in sorted(named) if found[1] not in pinned] == []


def test_the_page_of_images_names_every_image() -> None:
    names = tomllib.loads((ROOT / "docker" / "catalogue.toml").read_text())
    page = (ROOT / "docs" / "guides" / "images.md").read_text()
    assert [name for name in names if f"`{name}`" not in page] == []


def test_the_jenkins_file_is_balanced_and_runs_our_command() -> None:
    """No tool outside a Jenkins checks one; its blocks close, and its shell lines are commands of ours."""
    page = ROOT / "docs" / "guides" / "run-in-ci.md"
    (block,) = [block for block in blocks(page) if block.language == "groovy"]
    without_strings = re.sub(_QUOTED, "", block.code)
    depth = 0
    for character in without_strings:
        depth += {"{": 1, "}": -1}.get(character, 0)
        assert depth >= 0
    assert depth == 0
    assert block.code.startswith("pipeline {")
    assert "sct.py integration-tests" in block.code
    # A plain agent has python3; all else has to be where the job has put it.
    assert {line.split()[0] for line in re.findall(r"sh '([^']+)'", block.code)} == {"python3", ".uv/bin/uv"}
