"""Shares for several machines: whole, disjoint, balanced, the same everywhere."""

import random
from dataclasses import replace

import pytest

from sdcm.errors import UsageProblem
from sdcm.scheduling.shards import Shard, Shares, parse, share, split
from sdcm.scheduling.units import units
from unit_tests.lib.scheduling_session import ids_of, one_test, some_tests


def heavy_tailed(count, seed=1):
    chance = random.Random(seed)
    tests = [one_test(f"t{n % 40}.py::t{n}", group=f"g{n % 7}" if n % 11 == 0 else "") for n in range(count)]
    return tests, {test.nodeid: chance.lognormvariate(0, 1.2) for test in tests}


def share_of(shard, tests, known=None):
    return share(tests, shard.count, known).of(shard, tests)


def test_together_the_shards_are_the_whole_and_no_test_is_in_two():
    tests, known = heavy_tailed(500)
    shares = [share_of(Shard(index, 7), tests, known) for index in range(1, 8)]
    assert sorted(test.nodeid for share in shares for test in share) == sorted(ids_of(tests))


def test_groups_stay_whole():
    tests, known = heavy_tailed(500)
    for group in {test.group for test in tests} - {""}:
        holders = [
            index
            for index in range(1, 6)
            if any(test.group == group for test in share_of(Shard(index, 5), tests, known))
        ]
        assert len(holders) == 1, group


def test_the_split_does_not_depend_on_the_order_of_collection():
    tests, known = heavy_tailed(300)
    mixed = tests.copy()
    random.Random(2).shuffle(mixed)
    for index in (1, 2, 3):
        assert set(share_of(Shard(index, 3), tests, known)) == set(share_of(Shard(index, 3), mixed, known))
    assert share(tests, 3, known) == share(mixed, 3, known)


def test_the_digest_tells_all_that_the_split_depends_on():
    tests, known = heavy_tailed(20)
    other_group = [replace(test, group="other") if test.group == "g0" else test for test in tests]
    whole_module = [replace(test, shared_lease=test.file == "t1.py") for test in tests]
    changed = [(tests[1:], known), (tests, None), (tests, known | {"t0.py::t0": 9}), (other_group, known)]
    digests = {
        share(chosen, 2, seconds).digest for chosen, seconds in [(tests, known), *changed, (whole_module, known)]
    }
    # t1.py holds one test; that it must stay whole makes a unit of another name of it, even so.
    assert len(digests) == 6


def test_what_a_machine_lacks_and_skips_does_not_change_its_split():
    tests, known = heavy_tailed(300)
    poorer = [replace(test, skip_reason="docker: no engine") if n % 5 == 0 else test for n, test in enumerate(tests)]
    assert share(poorer, 4, known) == share(tests, 4, known)


def test_all_shares_are_written_down_and_read_back(tmp_path):
    tests, known = heavy_tailed(50)
    shares = share(tests, 3, known)
    shares.write(tmp_path / "shares.json")
    assert Shares.read(tmp_path / "shares.json") == shares
    (tmp_path / "shares.json").write_text('{"digest": "12", "shar')
    assert Shares.read(tmp_path / "shares.json") is None
    assert Shares.read(tmp_path / "no-such-file") is None


def test_shares_are_told_with_what_is_hidden_in_their_names():
    shares = Shares("d", (("a[key]",), ("b",)))
    assert shares.as_told(lambda name: name.replace("key", "-")) == Shares("d", (("a[-]",), ("b",)))


@pytest.mark.parametrize("count", [2, 8, 32])
def test_known_durations_balance_the_shards(count):
    tests, known = heavy_tailed(10_000)
    whole = units(tests, known)
    longest = max(sum(unit.seconds for unit in share) for share in split(whole, count))
    bound = max(sum(known.values()) / count, *(unit.seconds for unit in whole))
    assert longest <= 1.02 * bound


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("count", [64, 100, 200])
def test_shares_of_few_long_groups_are_balanced_too(count, seed):
    """Longest first alone leaves the longest of these shares 6 to 21 % longer than what no split can beat."""
    chance = random.Random(seed)
    tests = [one_test(f"t{n}.py::t", group=f"g{n // 2}") for n in range(2 * count)]
    seconds = [chance.lognormvariate(0, 0.3) for _ in range(count)]
    known = {test.nodeid: seconds[n // 2] / 2 for n, test in enumerate(tests)}
    whole = units(tests, known)
    shares = split(whole, 32)
    longest = max(sum(unit.seconds for unit in share) for share in shares)
    assert longest <= 1.08 * max(sum(seconds) / 32, *seconds)
    assert sorted(unit.name for share in shares for unit in share) == sorted(unit.name for unit in whole)


def test_without_durations_the_shards_have_the_same_number_of_tests():
    sizes = [len(share_of(Shard(index, 4), some_tests(42))) for index in range(1, 5)]
    assert sorted(sizes) == [10, 10, 11, 11]


def test_more_machines_than_tests_leave_some_idle():
    assert [len(share) for share in split(units(some_tests(2)), 4)] == [1, 1, 0, 0]


def test_a_shard_reads_as_it_is_typed():
    assert str(parse("2/16")) == "2/16"


@pytest.mark.parametrize(
    "text",
    ["", "1", "0/4", "5/4", "1/0", "-1/4", "a/b", "1/4/2", "1.5/4", "/", "1/1025", "1/99999999999", f"1/{'9' * 5000}"],
)
def test_what_is_no_shard_is_a_mistake(text):
    with pytest.raises(UsageProblem, match="--shard 1/4"):
        parse(text)
