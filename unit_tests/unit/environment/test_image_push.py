"""Where an image is found once it is pushed.

External services: none
"""

import pytest

from sdcm.environment.image_push import pushed_reference


@pytest.mark.parametrize("registry", ["registry.example:5000/team", "registry.example:5000/team/"])
def test_a_registry_is_the_same_with_a_slash_at_its_end(registry):
    found = pushed_reference("sct/runner-project:0a1b2c3d", registry)
    assert found == "registry.example:5000/team/sct-runner:0a1b2c3d"
