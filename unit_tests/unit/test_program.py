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


def test_these_tests_run_in_a_checkout():
    assert program.is_checkout()
