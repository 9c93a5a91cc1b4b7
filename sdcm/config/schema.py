"""The shape of a configuration file as JSON schema, for editors that check and complete YAML."""

import re
from typing import Any

from sdcm.config.layers import APPEND
from sdcm.config.options import Options, annotation_of, is_appendable, is_secret

#: Draft that pydantic writes and editors know.
DRAFT = "https://json-schema.org/draft/2020-12/schema"


def json_schema() -> dict[str, Any]:
    """Return the schema of a configuration file: every option, none of them required, no other key.

    A list that is added to (`++`) is a list whose first item says so, whatever its items are.
    """
    made = Options.model_json_schema()
    properties: dict[str, Any] = made["properties"]
    for name, described in properties.items():
        described.pop("secret", None)
        described["description"] = described.get("description", "") + _remark(name)
        if is_appendable(name):
            _let_append(name, described)
    return {
        "$schema": DRAFT,
        "title": "sct configuration file",
        "description": "A layer of `params`: options and their values. See docs/reference/configuration.md.",
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
    }


def _remark(name: str) -> str:
    remarks = [" Secret: better set by its variable."] if is_secret(name) else []
    if is_appendable(name):
        remarks.append(f" `{APPEND}` at its beginning adds to the earlier layers' value.")
    return "".join(remarks)


def _let_append(name: str, described: dict[str, Any]) -> None:
    """Let a list be added to: mappings behind the bare mark, one text behind the mark in the text."""
    if described.get("type") != "array":
        return
    if "dict" in str(annotation_of(name)):
        described["items"] = {"anyOf": [described["items"], {"const": APPEND}]}
        return
    items = {"type": described.pop("type"), "items": described.pop("items")}
    described["anyOf"] = [items, {"type": "string", "pattern": rf"^{re.escape(APPEND)}"}]
