"""Every example of the reference page that needs no service, run."""

from sdcm.pytest_plugin import markers
from unit_tests.lib import reference_examples

for _name, _code in reference_examples.examples():
    if not reference_examples.is_integration(_code):
        globals().update(reference_examples.tests(_name, _code))


def test_every_marker_has_an_example_and_each_example_a_test() -> None:
    found = dict(reference_examples.examples())
    assert set(markers.MARKERS) <= set(found)
    without = [name for name, code in found.items() if not reference_examples.tests(name, code)]
    assert without == []
