import threading
from pathlib import Path

import pytest

from sdcm.environment.image_sources.builder_lock import my_turn
from sdcm.errors import DeadlinePassed
from sdcm.wait import wait_for


def test_one_at_a_time_and_the_other_hears_what_is_done(tmp_path: Path) -> None:
    told: list[str] = []
    order: list[str] = []

    def second() -> None:
        with my_turn(tmp_path, "unix:///e", "a", deadline=10, tell=told.append):
            order.append("second")

    with my_turn(tmp_path, "unix:///e", "a", deadline=1, tell=told.append) as turn:
        turn.note("building a: step 3/9: RUN make")
        thread = threading.Thread(target=second)
        thread.start()
        wait_for(lambda: told, step=0.02, text="the other hears of it", timeout=20)
        order.append("first")
    thread.join(20)
    assert order == ["first", "second"]
    assert set(told) == {"waiting while somebody else is building a: step 3/9: RUN make"}


def test_other_images_and_other_engines_do_not_wait(tmp_path: Path) -> None:
    with (
        my_turn(tmp_path, "unix:///e", "a", deadline=0, tell=print),
        my_turn(tmp_path, "unix:///e", "quay.io/x/y:1", deadline=0, tell=print),
        my_turn(tmp_path, "unix:///f", "a", deadline=0, tell=print),
    ):
        pass
    assert not list(tmp_path.glob("*.doing"))


def test_waiting_ends(tmp_path: Path) -> None:
    with (
        my_turn(tmp_path, "unix:///e", "a", deadline=0, tell=print),
        pytest.raises(DeadlinePassed, match="image a was not ready within"),
        my_turn(tmp_path, "unix:///e", "a", deadline=0.1, tell=lambda _: None),
    ):
        raise AssertionError


def test_a_failed_maker_gives_its_turn_back(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no"), my_turn(tmp_path, "unix:///e", "a", deadline=0, tell=print):
        raise ValueError("no")
    with my_turn(tmp_path, "unix:///e", "a", deadline=0, tell=print):
        pass
