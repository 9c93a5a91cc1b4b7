"""The options that both commands share: what goes together."""

import re

import click
import pytest

from sdcm.cli.run_options import workers_for


@pytest.mark.parametrize("workers", [None, 0, 4])
def test_a_debugger_gets_one_process_where_no_number_was_asked_for(workers):
    """The default would be refused by xdist once everything is up."""
    assert workers_for(workers, ["-s", "--pdb"], asked=False, elsewhere=False) == 0


@pytest.mark.parametrize("workers", [None, 0])
def test_what_leaves_the_number_to_us_goes_with_a_debugger(workers):
    """`-n auto` and `-n 0` both do."""
    assert workers_for(workers, ["--trace"], asked=True, elsewhere=False) == 0


@pytest.mark.parametrize("workers", [None, 0, 4])
def test_without_a_debugger_the_number_stays(workers):
    """Other arguments of pytest's are none of our business."""
    assert workers_for(workers, ["-x", "-k", "pdb"], asked=True, elsewhere=True) == workers


@pytest.mark.parametrize("word", ["-n2", "--numprocesses=2", "--dist", "--tx=2*popen"])
def test_a_debugger_beside_xdists_own_options_is_refused(word):
    """They stand for workers whatever our own number is."""
    with pytest.raises(click.UsageError, match=f"leave {re.escape(word)} out"):
        workers_for(0, ["--pdb", word], asked=True, elsewhere=False)


@pytest.mark.parametrize(
    ("workers", "elsewhere", "said"), [(4, False, "-n 4"), (0, True, "--on"), (None, True, "--on")]
)
def test_a_debugger_beside_workers_or_in_pods_is_refused(workers, elsewhere, said):
    """Nothing has been set up by then."""
    with pytest.raises(click.UsageError, match=f"leave {said} out"):
        workers_for(workers, ["--pdb"], asked=True, elsewhere=elsewhere)
