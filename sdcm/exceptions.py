"""The exceptions of `sdcm.wait` under the name test authors import them by."""

from sdcm.wait import ExitByEventError, WaitForTimeoutError

__all__ = ["ExitByEventError", "WaitForTimeoutError"]
