import json

from sdcm.containers.records import NodeRecord, NodeSpec


def test_a_specification_survives_json() -> None:
    spec = NodeSpec(
        "n",
        "image:1",
        "scylla",
        seeds=("10.0.0.1", "b"),
        extra_args=("--x",),
        labels={"sct.run": "1"},
        native_entrypoint=True,
    )
    assert NodeSpec.from_record(json.loads(json.dumps(spec.to_record()))) == spec


def test_a_record_survives_json(record: NodeRecord) -> None:
    rebuilt = NodeRecord.from_record(json.loads(json.dumps(record.to_record())))
    assert rebuilt == record
    assert rebuilt.ports["9042"] == ("127.0.0.1", 32768)


def test_the_password_is_not_printed(record: NodeRecord) -> None:
    assert "s3cret" not in repr(record)
