import pytest

from sdcm.stress.secrets import hidden


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("-mode user=cassandra password=cassandra -node x", "-mode user=cassandra password=*** -node x"),
        ("--user cassandra --password cassandra -q", "--user cassandra --password *** -q"),
        ("-username u -password cassandra", "-username u -password ***"),
        ("-p scylla.password=cassandra", "-p scylla.password=***"),
        ("--test-password=cassandra --seed=1", "--test-password=*** --seed=1"),
        ("cassandra-stress write", "cassandra-stress write"),
    ],
)
def test_a_password_is_hidden_where_it_is_one(line: str, shown: str) -> None:
    assert hidden(line, ["cassandra"]) == shown


def test_a_quoted_password_is_hidden_too() -> None:
    assert hidden("--password 'a b$c' -q", ["a b$c"]) == "--password *** -q"
