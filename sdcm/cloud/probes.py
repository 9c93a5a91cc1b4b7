"""Whether a cloud can be used: its variable is set, the file it names can be read, and its credentials work.

The last is found out by one call over the network (`proofs`), within a deadline.
"""

import os
import threading
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor

from sdcm.errors import ServiceUnavailable
from sdcm.services.availability import Verdict, available, cloud_availability, unavailable

#: Seconds for one cloud's call, its library's import included.
DEADLINE = 15.0
_SHOWN_CHARACTERS = 200

Proof = Callable[[], None]


def probe(
    labels: Iterable[str],
    environ: Mapping[str, str] = os.environ,
    *,
    proofs: Mapping[str, Proof] | None = None,
    deadline: float = DEADLINE,
) -> dict[str, Verdict]:
    """Say of several clouds whether they can be used; they are asked side by side.

    Args:
        labels: Labels of clouds.
        environ: Environment variables.
        proofs: Label -> call that raises when the credentials do not work; the real ones when omitted.
        deadline: Seconds for one call.

    Returns:
        Label -> verdict.
    """
    verdicts = {label: cloud_availability(label, environ) for label in labels}
    to_prove = [label for label, verdict in verdicts.items() if verdict.available]
    if to_prove:
        if proofs is None:
            from sdcm.cloud.proofs import PROOFS

            proofs = PROOFS
        chosen = [(label, proofs[label], deadline) for label in to_prove]
        with ThreadPoolExecutor(len(chosen), "probe") as pool:
            verdicts |= dict(zip(to_prove, pool.map(lambda each: _prove(*each), chosen), strict=True))
    return verdicts


def _prove(label: str, proof: Proof, deadline: float) -> Verdict:
    outcome: list[BaseException | None] = []

    def attempt() -> None:
        try:
            proof()
            outcome.append(None)
        except BaseException as exc:  # noqa: BLE001 - whatever a library raises, the cloud cannot be used
            outcome.append(exc)

    thread = threading.Thread(target=attempt, name=f"prove-{label}", daemon=True)
    thread.start()
    thread.join(deadline)
    if not outcome:
        return unavailable(label, f"no answer within {deadline:g} s", "look at network and proxy")
    error = outcome[0]
    if error is None:
        return available(label)
    if isinstance(error, ServiceUnavailable):
        what = error.what.removeprefix(f"{label}: ")
        return unavailable(label, f"{what}: {error.why}" if error.why else what, error.mend)
    return unavailable(label, f"the credentials do not work: {_first_line(error)}")


def _first_line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    text = lines[0] if lines else type(error).__name__
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}..."
