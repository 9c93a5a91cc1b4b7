"""Times of several machines on one axis."""

from sdcm.reporters.merging.clocks import GAP, shifts

NOW = 1_700_000_000.0


def test_shards_that_overlap_stay_where_their_clocks_say():
    assert shifts([(NOW - 500, NOW - 100), (NOW - 480, NOW - 50), (NOW - 120, NOW - 10)], NOW) == [0, 0, 0]


def test_a_clock_that_tells_the_future_is_put_back_to_now():
    assert shifts([(NOW - 100, NOW - 10), (NOW + 3500, NOW + 3600)], NOW) == [0, -3600]


def test_a_clock_that_is_a_little_ahead_is_left_alone():
    assert shifts([(NOW - 100, NOW + 1)], NOW) == [0]


def test_a_stretch_in_which_no_shard_ran_is_cut_out():
    """A retry on the day after, and one more an hour later."""
    found = shifts([(NOW - 90_000, NOW - 89_000), (NOW - 4000, NOW - 3900), (NOW - 200, NOW - 100)], NOW)
    assert found == [0, -85_000, -85_000 - 3700]


def test_a_clock_that_is_years_behind_does_not_stretch_the_axis():
    spans = [(NOW - 100, NOW - 10), (3600.0, 3700.0)]
    moved = [(start + by, end + by) for (start, end), by in zip(spans, shifts(spans, NOW), strict=True)]
    assert max(end for _, end in moved) - min(start for start, _ in moved) == 190


def test_a_short_wait_for_a_machine_is_told_as_it_was():
    assert shifts([(NOW - 1000, NOW - 900), (NOW - 900 + GAP, NOW - 100)], NOW) == [0, 0]


def test_no_shards_no_shifts():
    assert shifts([], NOW) == []
