"""Every example of the reference page that needs a service, run; fixtures and markers tell what each needs."""

import pytest

from unit_tests.lib import reference_examples

pytestmark = pytest.mark.integration

for _name, _code in reference_examples.examples():
    if reference_examples.is_integration(_code):
        globals().update(reference_examples.tests(_name, _code))
