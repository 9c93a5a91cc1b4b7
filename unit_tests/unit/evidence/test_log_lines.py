"""Which line of a log says most, and when."""

import pytest

from sdcm.evidence.log_lines import last_line, seconds_of, short_stamps, time_of_day, worst_line


def test_the_last_fatal_line_counts_more_than_any_error():
    """Else the last error; else nothing."""
    log = "ERROR first\nFATAL no disk\nERROR [main] later\nINFO bye\n\n"
    assert worst_line(log) == "FATAL no disk"
    assert worst_line(log.replace("FATAL", "INFO")) == "ERROR [main] later"
    assert worst_line("INFO no errors here\njava.lang.IllegalStateException: x") == "java.lang.IllegalStateException: x"
    assert worst_line("INFO all is well, 0 errors\n") == ""
    assert last_line(log) == "INFO bye"
    assert worst_line(f"ERROR {'x' * 5000}").endswith("x...")


def test_dockers_stamps_become_short_or_go():
    """A line that begins with its writer's own time needs no second one."""
    log = "2026-11-22T19:14:55.586123456Z plain\n2026-11-22T19:14:56.000000001Z 19:14:55.999 INFO own\n"
    log += "2026-11-22T19:14:57.000000001Z INFO  2026-11-22 19:14:57,000 [shard 0] own\n"
    assert short_stamps(log).splitlines() == [
        "19:14:55.586 plain",
        "19:14:55.999 INFO own",
        "INFO  2026-11-22 19:14:57,000 [shard 0] own",
    ]


@pytest.mark.parametrize(
    ("stamp", "at"),
    [
        ("2026-11-22T19:15:04.617581432Z", 1795374904.617581),
        ("2026-11-22T20:15:04+01:00", 1795374904.0),
        ("0001-01-01T00:00:00Z", 0.0),
        ("", 0.0),
    ],
)
def test_times_as_docker_writes_them(stamp, at):
    """The year 1 is docker's word for never."""
    assert seconds_of(stamp) == pytest.approx(at)


def test_the_time_of_day_is_told_in_utc():
    """To the millisecond."""
    assert time_of_day(1795374904.6175) == "19:15:04.617"
