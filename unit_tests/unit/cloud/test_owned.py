import pytest

from sdcm.cloud.owned import OwnedResources, remove_each
from sdcm.cloud.owner import Owner
from sdcm.errors import EnvironmentFailed
from sdcm.ownership.ledger import Entry, Ledger, read


class Things(OwnedResources):
    """A cloud that is a list; what is named `stuck` cannot be removed."""

    there: list[str]

    def __init__(self, book: Ledger, owner: Owner) -> None:
        super().__init__(book, owner)
        self.there = []
        self.gone: list[str] = []
        self.removers = {"thing": self._remove}

    def _remove(self, entry: Entry, deadline: float) -> None:
        assert deadline > 0
        if entry.name == "stuck":
            raise OSError("it is stuck")
        self.gone.append(entry.name)
        if entry.name in self.there:
            self.there.remove(entry.name)

    def make(self, name: str) -> str:
        return self.own("thing", name, lambda: self.there.append(name) or name, colour="blue")


def test_everything_is_written_down_before_it_is_made_and_removed_the_youngest_first(
    book: Ledger, owner: Owner
) -> None:
    with Things(book, owner) as things:

        def make() -> None:
            state = read(book.path)
            assert state is not None
            assert [(entry.name, entry.facts) for entry in state.entries] == [("first", {"colour": "blue"})]

        things.own("thing", "first", make, colour="blue")
        assert things.make("second") == "second"
    assert things.gone == ["second", "first"]
    assert things.there == []
    assert book.entries() == ()


def test_a_failed_making_is_removed_too_and_told_in_one_line(book: Ledger, owner: Owner) -> None:
    def fail() -> None:
        raise OSError("no more room")

    with Things(book, owner) as things, pytest.raises(EnvironmentFailed, match="thing half could not be made: no more"):
        things.own("thing", "half", fail)
    assert things.gone == ["half"]
    assert book.entries() == ()


def test_what_cannot_be_removed_stays_in_the_book_and_keeps_nothing_else(book: Ledger, owner: Owner) -> None:
    things = Things(book, owner)
    for name in ("one", "stuck", "three"):
        things.make(name)
    with pytest.raises(EnvironmentFailed, match=r"thing stuck \(it is stuck\)"):
        things.close()
    assert things.there == ["stuck"]
    assert [entry.name for entry in book.entries()] == ["stuck"]
    things.close()  # is not tried twice


def test_an_identity_takes_the_place_of_the_name_it_was_made_under(book: Ledger, owner: Owner) -> None:
    with Things(book, owner) as things:
        things.make("sct-name")
        things.known_by("thing", "sct-name", "id-1")
        assert [entry.name for entry in book.entries()] == ["id-1"]
        assert [entry.name for entry in things.owned()] == ["id-1"]
    assert things.gone == ["id-1"]


def test_no_time_is_a_reason(book: Ledger) -> None:
    entry = book.will_make("thing", "late")
    (leftover,) = remove_each([entry], book, {"thing": lambda *_: None}, 0.0)
    assert "time" in leftover.reason
    assert book.entries() == (entry,)
