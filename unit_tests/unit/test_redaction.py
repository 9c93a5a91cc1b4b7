"""What is hidden in texts, and what is not."""

import base64
import json
from pathlib import Path

import pytest

from sdcm.journal import Journal, read
from sdcm.redaction import HIDDEN, Redactor, is_secret_name
from unit_tests.lib.growth import growth

KEY = "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA\nxyz\n-----END RSA PRIVATE KEY-----"


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        ("AWS_SECRET_ACCESS_KEY", True), ("GITHUB_TOKEN", True), ("DB_PASS", True), ("PGPASSWORD", True),
        ("alternator_secret_access_key", True), ("DOCKER_AUTH_CONFIG", True), ("MYSQL_PWD", True), ("X-Api-Key", True),
        ("PWD", False), ("SSH_AUTH_SOCK", False), ("TOKENIZERS_PARALLELISM", False), ("PASSENGERS", False),
        ("AUTHOR", False), ("MAX_TOKENS", False), ("authenticator_user", False),
    ],
)  # fmt: skip
def test_names_that_speak_of_a_secret(name: str, secret: bool) -> None:
    assert is_secret_name(name) is secret


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("password: hunter2x", f"password: {HIDDEN}"),
        ('{"db_password": "a b", "user": "joe"}', '{"db_password": "' + HIDDEN + '", "user": "joe"}'),
        ("E  'secret': 'x y z'", f"E  'secret': '{HIDDEN}'"),
        ("curl --token abc123 --retry 3", f"curl --token {HIDDEN} --retry 3"),
        ("http://joe:pa55word@proxy:3128/x", f"http://joe:{HIDDEN}@proxy:3128/x"),
        ("Authorization: Bearer abcdefgh12", f"Authorization: Bearer {HIDDEN}"),
        ("id AKIAIOSFODNN7EXAMPLE!", f"id {HIDDEN}!"),
        (f"key:\n{KEY}\nend", f"key:\n{HIDDEN}\nend"),
        ("    client-key-data: LS0tLS1CRUdJTiBS", f"    client-key-data: {HIDDEN}"),
        # Code and CQL that only speak of them stay readable.
        ("token = get_token(user)", "token = get_token(user)"),
        ("password = self.record.password()", "password = self.record.password()"),
        ("token: -9223372036854775808", "token: -9223372036854775808"),
        ("SELECT token(pk) FROM t", "SELECT token(pk) FROM t"),
        ("cqlsh --credentials=/etc/x --token-file /run/token", "cqlsh --credentials=/etc/x --token-file /run/token"),
    ],
)
def test_texts_that_look_like_a_secret(text: str, hidden: str) -> None:
    assert Redactor().text(text) == hidden


def test_known_secrets_are_hidden_wherever_they_turn_up() -> None:
    auth = json.dumps({"auths": {"r.example": {"auth": "am9lOnNlY3JldA=="}}})
    redactor = Redactor({"DB_PASSWORD": "s3same-open", "HOME": "/home/joe", "DOCKER_AUTH_CONFIG": auth, "TOKEN": KEY})
    encoded = base64.b64encode(b"s3same-open").decode()
    assert redactor.text(f"it said s3same-open, or {encoded}") == f"it said {HIDDEN}, or {HIDDEN}"
    assert redactor.text("am9lOnNlY3JldA==") == HIDDEN
    assert redactor.text("    MIIEpAIBAAKCAQEA") == f"    {HIDDEN}"
    assert redactor.text("/home/joe") == "/home/joe"


def test_what_everybody_knows_is_no_secret() -> None:
    redactor = Redactor({"X_PASSWORD": "cassandra", "Y_TOKEN": "short", "Z_CREDENTIALS": "/", "W_SECRET": "Docker"})
    text = "test_cassandra[docker] took a short time in /"
    assert redactor.text(text) == text


def test_values_and_command_lines() -> None:
    redactor = Redactor()
    assert redactor.value({"password": "x y", "n": 3, "in": [{"token": "t"}]}) == {
        "password": HIDDEN, "n": 3, "in": [{"token": HIDDEN}],
    }  # fmt: skip
    assert redactor.value(["run", "--password", "hunter2", "-v"]) == ["run", "--password", HIDDEN, "-v"]


def test_a_kubeconfig_is_known_by_its_keys(tmp_path: Path) -> None:
    key = base64.b64encode(b"the very private key").decode()
    config = tmp_path / "config"
    config.write_text(f"users:\n- user:\n    client-key-data: {key}\n    token: 'tok-12345'\n    username: joe\n")
    as_json = tmp_path / "json"
    as_json.write_text(json.dumps({"users": [{"user": {"password": "pass-67890", "username": "joe"}}]}))
    redactor = Redactor()
    for path in (config, as_json, tmp_path / "none"):
        redactor.learn_kubeconfig(path)
    secrets = f"{key} the very private key tok-12345 pass-67890"
    assert redactor.text(f"{secrets} joe") == f"{HIDDEN} {HIDDEN} {HIDDEN} {HIDDEN} joe"


def test_a_kubeconfig_that_is_no_text_is_looked_through_nevertheless(tmp_path: Path) -> None:
    (tmp_path / "config").write_bytes(b"\x80\xff\n    token: tok-12345\n")
    redactor = Redactor()
    redactor.learn_kubeconfig(tmp_path / "config")
    assert redactor.text("tok-12345") == HIDDEN


def test_nested_options_with_a_secret_name_are_known() -> None:
    redactor = Redactor()
    redactor.learn_named({"connectors": [{"config": {"sasl.password": "brokerpass"}}], "plain": "brokerhost"})
    assert redactor.text("brokerpass@brokerhost") == f"{HIDDEN}@brokerhost"


def test_a_log_is_rewritten_only_where_it_must(tmp_path: Path) -> None:
    log = tmp_path / "x.log"
    log.write_bytes(b"\xff Cookie: x\r\npassword=hunter2x\n")
    Redactor().file(log)
    assert log.read_bytes() == b"\xff Cookie: x\r\npassword=(hidden)\n"
    Redactor().file(tmp_path / "none")


def test_the_journal_holds_no_secret_and_keeps_its_own_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_TOKEN", "passed")
    monkeypatch.setenv("MY_SECRET", "s3same-open")
    journal = Journal(tmp_path / "j")
    journal.write("test-end", outcome="passed", text="assert 's3same-open' == 1", sections=[["log", "s3same-open"]])
    journal.close()
    (record,) = read(tmp_path / "j")
    assert (record["outcome"], record["text"]) == ("passed", f"assert '{HIDDEN}' == 1")
    assert record["sections"] == [["log", HIDDEN]]


def test_the_time_for_a_long_text_grows_with_its_length() -> None:
    redactor = Redactor({"A_TOKEN": "0123456789abcdef"})
    assert growth(lambda size: redactor.text("password token secret = x(y) : 'abc' -- " * size), 100, 1600) < 64
