"""The critical path in one line, and as values for machines."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sdcm.reporters.critical_path import Link, folded
from sdcm.reporters.outcome import RunResult
from sdcm.reporters.phrases import seconds_text

#: A stretch of less than this share of the whole, or of so many seconds, is not named.
_SHARE = 0.01
_SECONDS = 0.2
#: Stretches above which tests are told together whatever services they need.
_MANY = 8
#: Share of a stretch's time from which its longest test is named.
_LONG = 0.3


@dataclass
class _Stretch:
    """Links that are told together."""

    links: list[Link]

    @property
    def seconds(self) -> float:
        """From the first one's start to the last one's end."""
        return self.links[-1].started + self.links[-1].seconds - self.links[0].started

    @property
    def phrase(self) -> str:
        """What it was, and how long it took."""
        first, took = self.links[0], seconds_text(self.seconds)
        if first.kind != "test":
            return f"{first.what} {took}"
        alike = all(link.services == first.services for link in self.links)
        names = f"{' and '.join(first.services if alike else ())} tests".strip()
        told = f"{len(self.links)} {names}" if len(self.links) > 1 else _name(first)
        longest = max(self.links, key=lambda link: link.seconds)
        leasing = sum(link.leasing for link in self.links)
        more = []
        if len(self.links) > 1 and longest.seconds >= _LONG * self.seconds:
            more.append(f"longest: {_name(longest)} {seconds_text(longest.seconds)}")
        if leasing >= _LONG * self.seconds:
            more.append(f"{seconds_text(leasing)} of it waiting for leases")
        return f"{told} {took}" + (f" ({'; '.join(more)})" if more else "")


def critical_path_line(links: Sequence[Link]) -> str:
    """Return the path as one line, such as `image kind-node 38 s, then cluster 21 s, then 4 kubernetes tests 21 s`.

    Tests in a row that need the same services are told together, or any tests in a row where the line would be too
    long, and short stretches as one rest at the end.

    Args:
        links: The chain, see `critical_path`; of an empty one nothing is told.
    """
    whole = sum(link.seconds for link in links)
    least = max(_SHARE * whole, _SECONDS)
    told = [stretch for stretch in _stretches(links, least, apart=True) if stretch.seconds >= least]
    if len(told) > _MANY:
        told = [stretch for stretch in _stretches(links, least, apart=False) if stretch.seconds >= least]
    if not told:
        return ""
    rest = whole - sum(stretch.seconds for stretch in told)
    line = ", then ".join(stretch.phrase for stretch in told)
    return line + (f"; the rest {seconds_text(rest)}" if rest >= _SECONDS else "")


def critical_path_record(result: RunResult) -> dict[str, Any]:
    """Return the path as JSON values: `text`, and `links` (what, kind, at in seconds of the run, seconds)."""
    path = result.critical_path
    links = [
        {
            "what": link.what,
            "kind": link.kind,
            "after": round(link.started - result.started, 3),
            "seconds": round(link.seconds, 3),
        }
        for link in folded(path)
    ]
    return {"text": critical_path_line(path), "links": links}


def _stretches(links: Sequence[Link], least: float, *, apart: bool) -> list[_Stretch]:
    found: list[_Stretch] = []
    for link in links:
        if link.kind != "test" and link.seconds < least:
            continue
        last = found[-1].links[-1] if found else None
        if last and last.kind == link.kind == "test" and (not apart or last.services == link.services):
            found[-1].links.append(link)
        else:
            found.append(_Stretch([link]))
    return found


def _name(link: Link) -> str:
    """Return a test's own name, without file and class."""
    head, separator, parameters = link.what.partition("[")
    return head.rpartition("::")[2] + separator + parameters
