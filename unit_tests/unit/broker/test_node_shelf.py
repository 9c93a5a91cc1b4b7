"""What stands, what comes, and who waits."""

from contextlib import ExitStack

import pytest

from sdcm.broker.node_shelf import NodeShelf


@pytest.mark.parametrize(
    ("waiting", "put_back", "short"), [(0, 0, 0), (3, 0, 3), (3, 1, 2), (1, 2, 0)], ids=["none", "all", "some", "more"]
)
def test_how_many_more_want_a_node_than_there_are(waiting, put_back, short):
    """Who has one on its way waits for no other's."""
    shelf, told = NodeShelf(), []
    for _ in range(4):
        shelf.stands("k")
    for _ in range(put_back):
        shelf.expect("k")

    def wanted(*counted):
        told.append(counted)
        return False

    with ExitStack() as stack:
        for _ in range(waiting):
            stack.enter_context(shelf.in_line("k", holds_others=False))
        stack.enter_context(shelf.in_line("other", holds_others=False))
        assert not shelf.expect_boot("k", wanted)
    assert told == [(4, short, 4 - put_back + waiting)]
