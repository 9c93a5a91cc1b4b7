"""The clouds' availability, found out once in the process that starts the others and handed to them."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict

from sdcm.services.availability import Verdict, cloud_availability
from sdcm.services.table import CLOUD_LABELS, LABELS

#: Holds the verdicts, so that workers do not ask again and cannot come to another answer.
VARIABLE = "SCT_VERDICTS"


def probe(labels: Iterable[str], environ: Mapping[str, str]) -> dict[str, Verdict]:
    """Find out about some clouds; labels of other services are left out.

    Args:
        labels: Labels in any order.
        environ: Environment variables.
    """
    wanted = set(labels) & CLOUD_LABELS
    return {label: cloud_availability(label, environ) for label in LABELS if label in wanted}


def to_text(verdicts: Mapping[str, Verdict]) -> str:
    """Return verdicts as the value of the variable."""
    return json.dumps([asdict(verdict) for verdict in verdicts.values()])


def from_text(text: str) -> dict[str, Verdict]:
    """Return the verdicts in a value of the variable."""
    return {record["label"]: Verdict(**record) for record in json.loads(text or "[]")}
