"""Where one pytest may do for collecting and running."""

import pytest

from sdcm.run.one_pytest import may_do
from sdcm.run.options import RunOptions
from sdcm.scheduling.shards import Shard

FILE = ("unit_tests/integration/test_cql.py",)


def options(**more):
    return RunOptions("integration-tests", **{"workers_asked": False, **more})


@pytest.mark.parametrize(
    ("chosen", "targets"),
    [
        (options(), FILE),
        (options(), (f"{FILE[0]}::test_cql",)),
        (options(keyword="cql"), ("unit_tests",)),
        (options(workers=0, workers_asked=True), ("unit_tests",)),
        (options(pytest_args=("-s", "--pdb")), FILE),
    ],
)
def test_a_single_test_may_come_of_it_or_one_process_was_asked_for(chosen, targets):
    assert may_do(chosen, targets)


@pytest.mark.parametrize(
    ("chosen", "targets"),
    [
        (options(), ("unit_tests",)),
        (options(workers_asked=True), FILE),
        (options(repeat=2), FILE),
        (options(plan_only=True), FILE),
        (options(shard=Shard(1, 2)), FILE),
        (options(pytest_args=("-n2",)), FILE),
        (options(pytest_args=("--dist=load", "--tx=2*popen")), FILE),
        (RunOptions("unit-tests", workers=0), FILE),
    ],
)
def test_workers_are_likely_or_were_asked_for_or_pytest_runs_more_than_once(chosen, targets):
    assert not may_do(chosen, targets)
