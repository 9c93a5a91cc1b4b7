"""Rows of ours in a terminal's width."""

import pytest

from sdcm.reporters.folding import folded
from sdcm.reporters.terminal import row_of

SKIP = row_of("", "1 skipped: aws (neither AWS_ACCESS_KEY_ID nor AWS_PROFILE is set -- export one of them)")


def test_a_row_is_broken_between_words_below_the_words_of_the_first() -> None:
    assert folded(SKIP, 60) == [
        " " * 19 + "1 skipped: aws (neither AWS_ACCESS_KEY_ID",
        " " * 19 + "nor AWS_PROFILE is set -- export one of",
        " " * 19 + "them)",
    ]


@pytest.mark.parametrize("columns", [50, 80, 120])
def test_nothing_is_lost_and_no_row_that_can_be_shorter_is_too_wide(columns: int) -> None:
    rows = folded(SKIP, columns)
    assert " ".join(row.strip() for row in rows) == SKIP.strip()
    assert all(len(row) <= columns for row in rows)


@pytest.mark.parametrize(
    "row",
    [
        "sct: " + "a line that is none of the rows " * 5,
        row_of("engine", "up in 4.1 s"),
    ],
)
def test_what_is_short_or_none_of_the_rows_stays(row: str) -> None:
    assert folded(row, 60) == [row]


def test_a_narrow_terminal_breaks_rows_itself() -> None:
    assert folded(SKIP, 40) == [SKIP]


def test_commands_are_left_whole() -> None:
    row = row_of("kept", "node of a.py::test_one: `sct.py env enter node --of a.py::test_one` enters it")
    assert folded(row, 70)[1:] == [
        " " * 19 + "`sct.py env enter node --of a.py::test_one` enters",
        " " * 19 + "it",
    ]
    row = row_of("engine", "up in 0.4 s (private; for `docker ps`: export DOCKER_HOST=unix:///run/sct/e/docker.sock)")
    assert folded(row, 80)[1] == " " * 19 + "export DOCKER_HOST=unix:///run/sct/e/docker.sock)"


def test_a_long_name_is_followed_by_what_is_said_of_it() -> None:
    row = row_of("image cql-stress-cassandra-stress", "unavailable after 0.1 s: " + "no registry answers " * 3)
    first, *rest = folded(row, 60)
    assert first == "  image cql-stress-cassandra-stress unavailable after 0.1 s:"
    assert rest == [" " * 19 + "no registry answers no registry answers", " " * 19 + "no registry answers"]


def test_a_long_word_has_a_row_of_its_own() -> None:
    test = "unit_tests/integration/test_shop.py::test_rows_are_read_back[10]:"
    rows = folded(row_of("product", f"{test} AssertionError: assert 10 == 11 and some more that does not fit"), 80)
    assert rows == [
        "  product",
        "    " + test,
        " " * 19 + "AssertionError: assert 10 == 11 and some more that does not",
        " " * 19 + "fit",
    ]
    assert folded(row_of("reports", "/" + "x" * 80), 80) == ["  reports", "    /" + "x" * 80]


def test_words_come_together_again_behind_a_long_one() -> None:
    assert folded(row_of("", "evidence: /" + "x" * 50 + " (2 files)"), 60) == [
        " " * 19 + "evidence:",
        "    /" + "x" * 50,
        " " * 19 + "(2 files)",
    ]
