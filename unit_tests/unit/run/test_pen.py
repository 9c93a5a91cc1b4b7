"""Lines of the live part of the screen, with and without colours."""

import pytest

from sdcm.reporters.live_rows import Size
from sdcm.run.pen import Pen


@pytest.mark.parametrize(
    ("columns", "shown"), [(80, "PASSED test_one"), (16, "PASSED test_one"), (12, "PASSED te.."), (3, ".."), (1, "")]
)
def test_an_unfinished_line_shows_that_it_goes_on(columns: int, shown: str) -> None:
    assert Pen(coloured=False).line("PASSED test_one", Size(columns, 24)) == shown


def test_what_is_left_of_it_keeps_its_colours() -> None:
    pen = Pen(coloured=True)
    assert pen.line("\x1b[31mFAILED\x1b[0m test_one", Size(12, 24)) == "\x1b[31mFAILED\x1b[0m te.."
    assert pen.line("\x1b[0m  ", Size(12, 24)).strip() == ""
