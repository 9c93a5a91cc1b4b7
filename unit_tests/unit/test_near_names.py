"""What a mistyped name was meant to be."""

import pytest

from sdcm.near_names import did_you_mean, hint, near, question

_KNOWN = ["docker", "kubernetes", "aws"]


@pytest.mark.parametrize(("wrong", "expected"), [("dokcer", ["docker"]), ("cubernetes", ["kubernetes"]), ("xyz", [])])
def test_the_nearest_are_found(wrong, expected):
    """A name that is alike is found; one that is like nothing is not."""
    assert near(wrong, _KNOWN) == expected


def test_no_more_than_asked_for():
    """The nearest comes first, and the rest is left out."""
    assert near("node_1", ["node_2", "node_11"], most=1) == ["node_11"]


def test_names_from_an_iterator():
    """What is known may be read once only."""
    assert did_you_mean("dokcer", iter(_KNOWN)) == "did you mean docker?"


@pytest.mark.parametrize(
    ("names", "expected"), [([], ""), (["a"], "did you mean a?"), (["a", "b"], "did you mean a or b?")]
)
def test_the_question(names, expected):
    """It names each; without a name there is none."""
    assert question(names) == expected


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        ("dokcer", "did you mean docker? -- known: docker, kubernetes, aws"),
        ("xyz", "known: docker, kubernetes, aws"),
    ],
)
def test_all_are_told(wrong, expected):
    """Those that are known follow, whether or not one is near."""
    assert hint(wrong, _KNOWN) == expected
