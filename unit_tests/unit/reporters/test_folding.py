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
        row_of("reports", "/home/me/.local/state/sct/runs/" + "x" * 60),
        "sct: " + "a line that is none of the rows " * 5,
        row_of("engine", "up in 4.1 s"),
    ],
)
def test_what_has_no_place_to_break_or_is_short_stays(row: str) -> None:
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
