import pytest

from sdcm import program
from sdcm.errors import UsageProblem


@pytest.mark.parametrize(
    ("checkout", "mend"),
    [pytest.param(True, "`sct.py clean`", id="checkout"), pytest.param(False, "`sct clean`", id="installed")],
)
def test_messages_name_the_program_as_it_is_typed(monkeypatch, checkout, mend):
    monkeypatch.setattr("sdcm.program.is_checkout", lambda: checkout)
    assert str(UsageProblem("something is left", mend="`sct.py clean`")).endswith(mend)


def test_a_page_is_named_where_there_is_no_file_of_it(monkeypatch):
    monkeypatch.setattr("sdcm.program.is_checkout", lambda: False)
    mend = "keep them; see docs/guides/run-in-ci.md"
    assert program.as_typed(mend) == "keep them; see the documentation's page `run-in-ci`"


def test_these_tests_run_in_a_checkout():
    assert program.is_checkout()
