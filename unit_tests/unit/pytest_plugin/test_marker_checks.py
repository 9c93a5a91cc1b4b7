import pytest

pytest_plugins = ["pytester"]

SUITE = """
import pytest

@pytest.mark.{marker}
def test_it():
    pass
"""


@pytest.mark.parametrize(
    ("marker", "words"),
    [
        ("needs('alternater')", "*test_it: no node has 'alternater' -- did you mean alternator? -- known: alternator*"),
        ("stress_tools('late')", "*test_it: stress_tools: no image is called 'late': did you mean latte*"),
        ("timeout('5s')", "*test_it: '5s' is no number of seconds for a deadline*"),
        ("timeout(float('nan'))", "*test_it: nan is no number of seconds for a deadline*"),
        ("timeout('inf')", "*test_it: 'inf' is no number of seconds for a deadline*"),
        ("timeout(1e17)", "*test_it: 1e+17 seconds are no deadline -- 604800 at most, or 0 for none*"),
    ],
)
def test_what_cannot_be_is_told_before_anything_is_set_up(pytester, marker, words):
    pytester.makepyfile(SUITE.format(marker=marker))
    ended = pytester.runpytest_subprocess("--collect-only")
    assert ended.ret == pytest.ExitCode.USAGE_ERROR
    (ended.stderr if "test_it" in str(ended.stderr) else ended.stdout).fnmatch_lines([words])


@pytest.mark.parametrize(
    ("how", "words"),
    [
        (["--test-timeout", "nan"], "*--test-timeout: nan is no number of seconds for a deadline*"),
        (["--test-timeout", "1e17"], "*--test-timeout: 1e+17 seconds are no deadline*"),
        (["-o", "test_timeout=inf"], "*test_timeout: 'inf' is no number of seconds for a deadline*"),
        (["-n", "1", "-o", "test_timeout=5s"], "*test_timeout: '5s' is no number of seconds for a deadline*"),
    ],
)
def test_so_is_a_deadline_for_all_tests(pytester, how, words):
    pytester.makepyfile(SUITE.format(marker="filterwarnings('ignore')"))
    ended = pytester.runpytest_subprocess(*how)
    assert ended.ret == pytest.ExitCode.USAGE_ERROR
    (ended.stderr if "deadline" in str(ended.stderr) else ended.stdout).fnmatch_lines([words])


@pytest.mark.parametrize(
    "marker",
    [
        "needs('alternator', 'vector')",
        "stress_tools('latte', 'example.org/own:1')",
        "timeout(5)",
        "timeout(0)",
        "timeout(604800)",
    ],
)
def test_what_can_be_is_let_through(pytester, marker):
    pytester.makepyfile(SUITE.format(marker=marker))
    assert pytester.runpytest_subprocess("--collect-only").ret == 0
