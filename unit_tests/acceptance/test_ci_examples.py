"""The CI files that docs/guides shows are what GitHub and GitLab accept.

External services: none
"""

import re
import subprocess
import sys
from pathlib import Path

import pytest

GUIDES = Path(__file__).parents[2] / "docs" / "guides"


def example(page, heading, language):
    """Return the first block in a language below a heading of a page."""
    section = (GUIDES / page).read_text().split(f"\n## {heading}\n")[1].split("\n## ")[0]
    return re.search(rf"^```{language}\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)[1]


def checked(schema, file):
    """Run check-jsonschema with a schema of its own."""
    argv = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, str(file)]
    return subprocess.run(argv, capture_output=True, text=True, timeout=300, check=False)


@pytest.mark.integration
@pytest.mark.parametrize("page", ["run-in-ci.md", "shards-in-ci.md"])
@pytest.mark.parametrize(
    ("heading", "schema", "whole", "wrong"),
    [
        pytest.param("GitHub Actions", "vendor.github-workflows", "on: push\n{}", "runs-on", id="github"),
        pytest.param("GitLab CI", "vendor.gitlab-ci", "{}", "script", id="gitlab"),
    ],
)
def test_the_schema_accepts_the_example_and_would_refuse_a_wrong_one(tmp_path, page, heading, schema, whole, wrong):
    text = whole.format(example(page, heading, "yaml"))
    file = tmp_path / "ci.yml"
    file.write_text(text)
    done = checked(schema, file)
    assert done.returncode == 0, done.stdout + done.stderr
    file.write_text(text.replace(wrong, "no-such-key"))
    assert checked(schema, file).returncode == 1


@pytest.mark.integration
@pytest.mark.parametrize("page", ["run-in-ci.md", "shards-in-ci.md"])
def test_the_pipeline_for_jenkins_closes_what_it_opens(page):
    """Jenkins' own linter needs a Jenkins; test_docs checks the commands in it."""
    text = re.sub(r"'[^'\n]*'|\"[^\"\n]*\"", "''", example(page, "Jenkins", "groovy"))
    depth = 0
    for letter in text:
        depth += {"{": 1, "}": -1}.get(letter, 0)
        assert depth >= 0
    assert (depth, text.count("("), text.count("[")) == (0, text.count(")"), text.count("]"))
