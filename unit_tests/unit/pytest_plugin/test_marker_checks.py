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
    ],
)
def test_what_cannot_be_is_told_before_anything_is_set_up(pytester, marker, words):
    pytester.makepyfile(SUITE.format(marker=marker))
    ended = pytester.runpytest_subprocess("--collect-only")
    assert ended.ret == pytest.ExitCode.USAGE_ERROR
    (ended.stderr if "test_it" in str(ended.stderr) else ended.stdout).fnmatch_lines([words])


@pytest.mark.parametrize(
    "marker", ["needs('alternator', 'vector')", "stress_tools('latte', 'example.org/own:1')", "timeout(5)"]
)
def test_what_can_be_is_let_through(pytester, marker):
    pytester.makepyfile(SUITE.format(marker=marker))
    assert pytester.runpytest_subprocess("--collect-only").ret == 0
