"""The suites that `shards.py` simulates: 10,000 tests, a heavy tail, some in groups, some modules that stay whole."""

import random
from dataclasses import dataclass, replace

from sdcm.services.selected import SelectedTest

TESTS = 10_000
_PER_FILE = 50
#: Lognormal: the median test takes 2.5 s, one in a hundred more than 40 s.
_MEDIAN, _SIGMA = 2.5, 1.2
#: Tests that wait for a cluster to heal and the like: how many, and between how many seconds they take.
_LONG, _LONG_SECONDS = 30, (120.0, 240.0)
#: xdist groups, of how many tests at most; modules whose fixtures hold a lease.
_GROUPS, _GROUP_SIZE = 150, 12
_WHOLE_MODULES = 6


@dataclass(frozen=True)
class Suite:
    """Tests and what they really take.

    Attributes:
        tests: As a collect pass tells them.
        seconds: By node id.
    """

    tests: list[SelectedTest]
    seconds: dict[str, float]


def suite(seed: int) -> Suite:
    """Return a suite; another seed gives another one of the same kind."""
    chance = random.Random(seed)
    tests = [_test(number) for number in range(TESTS)]
    seconds = {test.nodeid: _MEDIAN * chance.lognormvariate(0, _SIGMA) for test in tests}
    for test in chance.sample(tests, _LONG):
        seconds[test.nodeid] = chance.uniform(*_LONG_SECONDS)
    whole = {f"unit_tests/integration/test_{number}.py" for number in chance.sample(range(200), _WHOLE_MODULES)}
    grouped: dict[str, str] = {}
    ids = [test.nodeid for test in tests if test.file not in whole]
    for number in range(_GROUPS):
        for nodeid in chance.sample(ids, chance.randint(2, _GROUP_SIZE)):
            grouped.setdefault(nodeid, f"group-{number}")
    told = [replace(test, group=grouped.get(test.nodeid, ""), shared_lease=test.file in whole) for test in tests]
    return Suite(told, seconds)


def grouped_suite(seed: int, groups: int) -> Suite:
    """Return a suite whose tests all stand in groups of about the same length, which must stay whole."""
    chance = random.Random(seed)
    tests = [replace(_test(number), group=f"group-{number % groups}") for number in range(TESTS)]
    of_group = [chance.lognormvariate(5, 0.3) for _ in range(groups)]
    size = TESTS / groups
    return Suite(tests, {test.nodeid: of_group[number % groups] / size for number, test in enumerate(tests)})


def _test(number: int) -> SelectedTest:
    file = f"unit_tests/integration/test_{number // _PER_FILE}.py"
    return SelectedTest(f"{file}::test_{number}", file, services=("docker",), images=("(node)",), nodes=1)


def off_by_half(seconds: dict[str, float], seed: int) -> dict[str, float]:
    """Return durations of which each is 50 % wrong: half or one and a half times what the test really takes."""
    chance = random.Random(seed)
    return {test: value * chance.choice((0.5, 1.5)) for test, value in seconds.items()}


def half_of_them(seconds: dict[str, float], seed: int) -> dict[str, float]:
    """Return the durations of half of the tests: the others are new."""
    chance = random.Random(seed)
    return {test: value for test, value in seconds.items() if chance.random() < 0.5}
