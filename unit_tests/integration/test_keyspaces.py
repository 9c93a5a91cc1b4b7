"""A test's own keyspace, from a file and with random rows.

External services: Docker (database node)
"""

import re

import pytest

from sdcm.errors import UsageProblem

SCHEMA = """\
-- Names without a keyspace are in the test's own.
CREATE TYPE address (street text, city text);
CREATE TABLE customers (id uuid PRIMARY KEY, name text, home frozen<address>);
CREATE TABLE readings (
    sensor int, at timestamp, ok boolean, value double, raw blob, tags set<text>, parts map<text, frozen<list<int>>>,
    place inet, day date, tick time, exact decimal, big varint, small float, pair tuple<int, text>,
    PRIMARY KEY (sensor, at)
); // a comment; with a semicolon
BEGIN BATCH
    INSERT INTO customers (id, name) VALUES (uuid(), 'it''s; one');
    INSERT INTO customers (id, name) VALUES (uuid(), 'two');
APPLY BATCH;
"""


@pytest.mark.integration
def test_a_schema_from_a_file_and_random_rows(fresh_keyspace, cql_session, cql_driver, tmp_path, request):
    """A file makes the schema, random rows are read back as they were written, and come again with the same seed.

    External services: Docker (database node)
    """
    (tmp_path / "schema.cql").write_text(SCHEMA)
    session = fresh_keyspace.session
    assert re.fullmatch(r"ks_[0-9a-f]{8}", str(fresh_keyspace))
    assert fresh_keyspace.apply_file(tmp_path / "schema.cql") == 4
    assert {row.name for row in session.execute("SELECT name FROM customers")} == {"it's; one", "two"}

    written = {(row["sensor"], row["at"]): row for row in fresh_keyspace.fill("readings", rows=30)}
    read = {(row.sensor, row.at): row._asdict() for row in session.execute("SELECT * FROM readings")}
    assert len(read) == 30
    assert read == written

    again = type(fresh_keyspace.values)(fresh_keyspace.values.seed)
    assert again.rows({"v": "text"}, 3) == type(again)(again.seed).rows({"v": "text"}, 3)
    assert any(name == "random values" and "SCT_SEED=" in text for _, name, text in request.node._report_sections)

    (tmp_path / "bad.cql").write_text("SELECT * FROM customers;\n\nSELECT nothing FROM nowhere;")
    with pytest.raises(UsageProblem, match=r"bad\.cql:3: `SELECT nothing FROM nowhere` was refused"):
        fresh_keyspace.apply_file(tmp_path / "bad.cql")
    with pytest.raises(UsageProblem, match=r"there is no file none\.cql: looked for .*integration/none\.cql, "):
        fresh_keyspace.apply_file("none.cql")
    with pytest.raises(UsageProblem, match="type address"):
        fresh_keyspace.fill("customers")

    assert cql_session.execute(f"SELECT count(*) FROM {fresh_keyspace}.readings").one().count == 30
    assert cql_session.cluster is cql_driver
    assert fresh_keyspace.name in cql_driver.metadata.keyspaces
