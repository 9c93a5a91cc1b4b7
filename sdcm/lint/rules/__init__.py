"""Every rule, by its id."""

from collections.abc import Mapping
from types import MappingProxyType

from sdcm.errors import UsageProblem
from sdcm.lint.rule import Rule
from sdcm.lint.rules.advice import DocumentsItself, ExercisesOwnCode, NamedParameters, NoServiceForParsing
from sdcm.lint.rules.cleaning import FixtureCleansUp, SetUpSurvives, TestCleansUp
from sdcm.lint.rules.images import ImageByMarker, ScyllaByFixture
from sdcm.lint.rules.labels import CredentialsGuarded, LabelsMatch, ServicesDeclared
from sdcm.lint.rules.place import IntegrationMarked, IntegrationPlaced, MockedIsUnit, RealCloudIsMarked
from sdcm.lint.rules.sharing import SharedGrouped, StateKept
from sdcm.lint.rules.skipping import ReasonGiven
from sdcm.lint.rules.text import ImportsAtTop, QuietImport
from sdcm.lint.rules.waiting import Bounded, ReadinessAwaited, WaitsEnd

RULES: Mapping[str, Rule] = MappingProxyType(
    {
        rule.id: rule
        for rule in (
            IntegrationMarked(),
            IntegrationPlaced(),
            ServicesDeclared(),
            LabelsMatch(),
            CredentialsGuarded(),
            ReasonGiven(),
            QuietImport(),
            FixtureCleansUp(),
            SetUpSurvives(),
            TestCleansUp(),
            ScyllaByFixture(),
            ImageByMarker(),
            ReadinessAwaited(),
            WaitsEnd(),
            Bounded(),
            SharedGrouped(),
            RealCloudIsMarked(),
            MockedIsUnit(),
            NoServiceForParsing(),
            ExercisesOwnCode(),
            ImportsAtTop(),
            DocumentsItself(),
            StateKept(),
            NamedParameters(),
        )
    }
)


def chosen(select: str, *, advice: bool = True) -> Mapping[str, Rule]:
    """Return some of the rules.

    Args:
        select: Ids, parted by commas; empty for all.
        advice: Whether the rules that only advise are among them.

    Raises:
        UsageProblem: There is no such rule.
    """
    ids = [word.strip().upper() for word in select.split(",") if word.strip()]
    return {id_: _rule(id_) for id_ in ids or RULES if advice or ids or not _rule(id_).advice}


def _rule(id_: str) -> Rule:
    if id_ not in RULES:
        raise UsageProblem(f"no rule {id_}", mend=f"known: {', '.join(RULES)}")
    return RULES[id_]


def explanation(id_: str) -> str:
    """Return a rule with its reason, a file that breaks it and one that keeps it.

    Raises:
        UsageProblem: There is no such rule.
    """
    rule = _rule(id_.strip().upper())
    return f"{rule.id}: {rule.title}\n\n{rule.why}\n\nNot so:\n{rule.bad}\nBut so:\n{rule.good}".rstrip()
