"""Finding keys by their tags, from the key service itself: the index of all tags learns of a new key minutes later."""

import time
from collections.abc import Iterator, Mapping
from typing import Any

from sdcm.errors import DeadlinePassed

#: What the key service answers for a key that is gone, or none of this account's user's business.
_PASSED_OVER = {"NotFoundException", "AccessDeniedException", "UnsupportedOperationException"}
_DELETED = {"PendingDeletion", "PendingReplicaDeletion"}


def live_keys(kms: Any, *, deadline: float) -> Iterator[tuple[str, Mapping[str, str]]]:
    """Yield each key of the account's own that is not on its way out: its id and its tags.

    Keys that Amazon manages, and such as may not be looked at, are passed over.

    Args:
        kms: A client of the key service.
        deadline: Seconds for the whole; there are two questions for each key.

    Raises:
        DeadlinePassed: There are more keys than that.
    """
    from botocore.exceptions import ClientError

    end = time.monotonic() + deadline
    for page in kms.get_paginator("list_keys").paginate():
        for each in page["Keys"]:
            if time.monotonic() >= end:
                raise DeadlinePassed(f"the account's keys were not read within {deadline:g} s", mend="sct.py clean")
            try:
                tags = _tags_of_live(kms, str(each["KeyId"]))
            except ClientError as exc:
                if exc.response["Error"]["Code"] not in _PASSED_OVER:
                    raise
                continue
            if tags is not None:
                yield str(each["KeyId"]), tags


def _tags_of_live(kms: Any, key: str) -> dict[str, str] | None:
    told = kms.describe_key(KeyId=key)["KeyMetadata"]
    if told.get("KeyManager") == "AWS" or told["KeyState"] in _DELETED:
        return None
    pages = kms.get_paginator("list_resource_tags").paginate(KeyId=key)
    return {tag["TagKey"]: tag["TagValue"] for page in pages for tag in page["Tags"]}
