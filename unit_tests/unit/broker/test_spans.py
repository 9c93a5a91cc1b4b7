"""Who may have made what appeared at a time."""

from types import SimpleNamespace

from sdcm.broker.asking import Asking
from sdcm.broker.leak_desk import LeakDesk
from sdcm.broker.spans import Spans


def opened(spans, worker, number, at, **more):
    return spans.open(worker, {"span": number, "label": f"{worker}-{number}", "at": at, **more})


def labels(spans, at):
    return sorted(span.label for span in spans.makers(at))


def test_of_each_worker_the_innermost_counts():
    spans = Spans()
    opened(spans, "a", "1", 10.0)
    opened(spans, "b", "1", 11.0)
    opened(spans, "a", "2", 12.0)  # a fixture that outlives the test, being set up within it
    spans.shut("a", "2", 14.0)
    spans.end("b", "1", 15.0)
    assert labels(spans, 9.0) == []
    assert labels(spans, 10.5) == ["a-1"]
    assert labels(spans, 13.0) == ["a-2", "b-1"]
    assert labels(spans, 14.5) == ["a-1", "b-1"]
    assert labels(spans, 16.0) == ["a-1"]


def test_what_is_made_through_a_wide_fixture_may_stay_as_long_as_that():
    spans = Spans()
    test = opened(spans, "a", "1", 10.0)
    wide = opened(spans, "a", "2", 10.0)
    assert spans.over_since(test) is None
    spans.end("a", "1", 12.0, after=["2"])
    assert spans.over_since(test) is None
    spans.end("a", "2", 20.0)
    assert (spans.over_since(test), spans.over_since(wide)) == (20.0, 20.0)


def test_a_worker_that_is_gone_makes_nothing_more_unless_it_goes_on_under_another_name():
    spans = Spans()
    moved, lost = opened(spans, "a", "1", 10.0), opened(spans, "b", "1", 10.0)
    spans.move("a", "a2")
    spans.left("a")
    spans.left("b")
    assert moved.over == 0.0
    assert lost.over > 10.0


def test_a_service_is_watched_until_all_its_tests_are_over_and_looked_at():
    spans, asked = Spans(), []
    cluster = SimpleNamespace(begin=lambda _: None, end=lambda _: asked.append(desk.is_watched("kubernetes")))
    desk = LeakDesk(spans, SimpleNamespace(), cluster)
    told = {"span": "1", "label": "a::b", "services": ["kubernetes"], "at": 1.0}
    assert not desk.is_watched("kubernetes")
    desk.take("gw0/1", {**told, "state": "open"}, Asking())
    assert (desk.is_watched("kubernetes"), desk.is_watched("docker")) == (True, False)
    desk.take("gw0/1", {"span": "1", "state": "over", "at": 2.0}, Asking())
    assert (asked, desk.is_watched("kubernetes")) == ([True], False)
