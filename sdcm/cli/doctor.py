"""`sct.py doctor`."""

import json
from typing import TYPE_CHECKING

import click

from sdcm.exit_codes import ExitCode
from sdcm.program import as_typed

if TYPE_CHECKING:
    from sdcm.run.doctor.finding import Finding

_MARKS = {"ok": "ok", "note": "..", "bad": "--"}


@click.command("doctor")
@click.option("--fix", is_flag=True, help="Mend what can be mended safely, each after asking.")
@click.option("--yes", is_flag=True, help="With --fix: do not ask.")
@click.option(
    "-n",
    "--workers",
    metavar="N",
    type=click.IntRange(min=1),
    default=4,
    show_default=True,
    help="Workers that a run will have.",
)
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def command(fix: bool, yes: bool, workers: int, as_json: bool) -> int:
    """Say what works on this machine, and of what does not: why it matters, and the one command that mends it.

    `ok` works; `..` works, but not as well as it could; `--` keeps tests from running. Nothing is changed without
    --fix. Exits 69 when integration tests cannot run here at all (no engine), 75 when a mend failed, else 0.
    """
    from sdcm.run.doctor.diagnosis import diagnose, has_engine
    from sdcm.run.doctor.finding import Machine

    findings = []
    for finding in diagnose(Machine.here(workers)):
        findings.append(finding)
        if not as_json:
            _show(finding)
    failed = _mend(findings, ask=not yes, err=as_json) if fix else False
    if as_json:
        click.echo(json.dumps([finding.to_record() for finding in findings], indent=2))
    else:
        _sum_up(findings, fixing=fix)
    if failed:
        return ExitCode.ENVIRONMENT_FAILED
    if fix:
        findings = list(diagnose(Machine.here(workers))) if not has_engine(findings) else findings
    return ExitCode.OK if has_engine(findings) else ExitCode.UNAVAILABLE


def _show(finding: "Finding") -> None:
    click.echo(as_typed(f"{_MARKS[finding.level]}  {finding.subject:<15} {finding.text}"))
    for name, text in (("why", finding.why), ("mend", finding.mend)):
        if text and not finding.ok:
            click.echo(as_typed(f"    {'':<15} {name + ':':<5} {text}"))


def _mend(findings: "list[Finding]", *, ask: bool, err: bool) -> bool:
    """Mend what can be; return whether a mend failed."""
    from sdcm.cli.engine_at_hand import echo_step
    from sdcm.errors import SctError

    failed = False
    for finding in findings:
        if finding.fix is None or (ask and not _agreed(f"{finding.subject}: {finding.fix.asks}?", err=err)):
            continue
        try:
            finding.fix.run(echo_step(f"fix {finding.subject}"))
        except SctError as exc:
            failed = True
            click.echo(f"sct: {exc}", err=True)
        else:
            click.echo(f"mended: {finding.subject}", err=err)
    return failed


def _agreed(question: str, *, err: bool) -> bool:
    """Ask, and return the answer.

    Raises:
        UsageProblem: There is nobody to answer.
    """
    from sdcm.errors import UsageProblem

    try:
        return click.confirm(question, err=err)
    except click.Abort as exc:
        # click aborts for Ctrl-C, too.
        if not isinstance(exc.__context__, EOFError):
            raise
        click.echo(err=err)
        raise UsageProblem("nobody answers here", mend="sct.py doctor --fix --yes") from None


def _sum_up(findings: "list[Finding]", *, fixing: bool) -> None:
    bad = [finding.subject for finding in findings if finding.level == "bad"]
    notes = [finding.subject for finding in findings if finding.level == "note"]
    told = [f"{len(bad)} to mend: {', '.join(bad)}"] if bad else ["nothing keeps tests from running"]
    told += [f"{len(notes)} could be better: {', '.join(notes)}"] if notes else []
    click.echo("; ".join(told))
    if not fixing and any(finding.fix for finding in findings):
        click.echo(as_typed("`sct.py doctor --fix` mends some of it"))
