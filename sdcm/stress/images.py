"""Which image a tool runs from."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sdcm.config.model import SCTConfiguration

_OUR_DEFAULTS = "defaults/"


def image_of(tool: str, params: "SCTConfiguration | None") -> str:
    """Return the image to ask the broker for.

    What a test, a file or a variable names is that very image. Our own default is the catalogue's entry of the tool's
    name: the same image pulled, or where no registry has it the tool built here.

    Args:
        tool: Name of the tool.
        params: The test's configuration.
    """
    key = f"stress_image.{tool}"
    if params is None or key not in params:
        return tool
    settings = params.explain(key).settings
    named_by_us = not settings or settings[-1].origin.startswith(_OUR_DEFAULTS)
    return tool if named_by_us else str(params[key])
