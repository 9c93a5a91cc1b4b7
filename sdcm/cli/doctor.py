"""`sct.py doctor`."""

import json
from dataclasses import asdict

import click

from sdcm.exit_codes import ExitCode


@click.command("doctor")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def command(as_json: bool) -> int:
    """Say of engine, images, kind and each service: available, or why not and what mends it.

    Exits 69 when integration tests cannot run here at all (no engine).
    """
    from sdcm.run.diagnosis import diagnose

    findings = diagnose()
    if as_json:
        click.echo(json.dumps([asdict(finding) for finding in findings], indent=2))
    else:
        for finding in findings:
            mark = "ok" if finding.ok else "--"
            click.echo(f"{mark}  {finding.subject:<18} {finding.text}")
            if finding.mend:
                click.echo(f"    {'':<18} {finding.mend}")
    engine_ok = next(finding.ok for finding in findings if finding.subject == "engine")
    return ExitCode.OK if engine_ok else ExitCode.UNAVAILABLE
