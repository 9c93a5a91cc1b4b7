from pathlib import Path

import pytest
from cassandra import InvalidRequest

from sdcm.containers import cql_file
from sdcm.containers.cql_file import Statement
from sdcm.errors import UsageProblem

TEXT = """\
-- a schema; with a semicolon in a comment
CREATE TABLE a (k int PRIMARY KEY, v text); // and here; too
INSERT INTO a (k, v) VALUES (1, 'it''s; one');   INSERT INTO "a;b" (k) VALUES (2);
/* a; longer
   one */
CREATE FUNCTION f (x int) CALLED ON NULL INPUT RETURNS int LANGUAGE java AS $$ int y = x; return y; $$;
begin unlogged batch
  INSERT INTO a (k) VALUES (3);
  INSERT INTO a (k) VALUES (4);
apply batch;
;
SELECT 'last' FROM a
"""


def test_a_text_is_cut_where_statements_end() -> None:
    found = list(cql_file.statements(TEXT))
    assert [statement.line for statement in found] == [2, 3, 3, 6, 7, 12]
    assert found[1] == Statement("INSERT INTO a (k, v) VALUES (1, 'it''s; one')", 3)
    assert found[2].text == 'INSERT INTO "a;b" (k) VALUES (2)'
    assert found[3].text.endswith("$$ int y = x; return y; $$")
    assert found[4].text.startswith("begin unlogged batch")
    assert found[4].text.endswith("apply batch")
    assert found[5].text == "SELECT 'last' FROM a"


@pytest.mark.parametrize("text", ["", " \n ", "-- nothing;\n", ";;\n;"])
def test_nothing_is_no_statement(text: str) -> None:
    assert list(cql_file.statements(text)) == []


class Session:
    """Refuses statements that hold `bad`."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def execute(self, text: str) -> None:
        if "bad" in text:
            raise InvalidRequest("no keyspace has been specified")
        self.asked.append(text)


def test_a_file_is_executed_in_its_order(tmp_path: Path) -> None:
    (tmp_path / "schema.cql").write_text("one;\ntwo;")
    session = Session()
    assert cql_file.apply_file(session, tmp_path / "schema.cql") == 2
    assert session.asked == ["one", "two"]


def test_a_refused_statement_is_named_with_its_place(tmp_path: Path) -> None:
    (tmp_path / "schema.cql").write_text(f"one;\n\n  bad\n  {'x' * 80};\nthree;")
    with pytest.raises(UsageProblem, match=r"schema\.cql:3: `bad x{56}\.\.\.` was refused: .*no keyspace"):
        cql_file.apply_file(Session(), tmp_path / "schema.cql")
