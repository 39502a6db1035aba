"""`seatrial assess` and `seatrial chaos run`: show a run while it goes on, then its verdict."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from seatrial.assess.canary import with_canary
from seatrial.assess.plan import Asked, Documents, Plan, experiment_plan, read_plan
from seatrial.assess.run import Assessed, Telling, assess, verdict_of
from seatrial.assess.versus import require_named
from seatrial.cli.console import (
    as_json,
    pairs,
    require_targets,
    say,
    say_healed,
    shown_path,
    tell,
    typed_variables,
    workspace,
    write_results,
)
from seatrial.cli.github import quoting, tell_github
from seatrial.cli.load_screen import STYLES
from seatrial.cli.outlook import forecast_lines
from seatrial.cli.progress import progress
from seatrial.cli.verdict_text import verdict_lines
from seatrial.clock import SteadyClock
from seatrial.errors import ExitCode, Interrupted, UsageError, unknown
from seatrial.reports.markdown import markdown


@dataclass(frozen=True, slots=True)
class AssessOptions:
    """The words of `seatrial assess`."""

    realm: str | None = None
    gate: str = "default"
    services: tuple[str, ...] = ()
    revisions: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()
    processes: int = 1
    strict: bool = False
    json_file: str | None = None
    junit_file: str | None = None
    markdown_file: str | None = None
    canaries: tuple[str, ...] = ()
    share: str | None = None


@dataclass(frozen=True, slots=True)
class Output:
    """How and where the result is told."""

    strict: bool = False
    json_file: str | None = None
    junit_file: str | None = None
    markdown_file: str | None = None

    @property
    def files(self) -> tuple[str | None, ...]:
        """The files that were asked for."""
        return self.json_file, self.junit_file, self.markdown_file


def run_assess(options: AssessOptions) -> ExitCode:
    """Read everything, say what it will take, run it, tell the verdict."""
    output = Output(options.strict, options.json_file, options.junit_file, options.markdown_file)
    require_targets(*output.files)
    overrides = typed_variables(options.variables)
    revisions = pairs(options.revisions, "--revision")
    plan = read_plan(workspace(), Asked(options.realm, options.gate, options.services, overrides, options.processes))
    plan = with_canary(plan, options.canaries, options.share)
    for service in revisions:
        if service not in plan.documented:
            raise UsageError(f"--revision: {unknown('service', service, plan.documented)}")
    return assess_and_tell(plan, output, revisions=revisions)


def run_experiment(name: str, realm: str | None, *, variables: tuple[str, ...], json_file: str | None) -> ExitCode:
    """Run one experiment, by its name or its file, under its own traffic."""
    require_targets(json_file)
    plan = experiment_plan(Documents(workspace()), Asked(realm, overrides=typed_variables(variables)), name)
    return assess_and_tell(plan, Output(json_file=json_file), experiment=plan.experiments[0].experiment.name)


def assess_and_tell(
    plan: Plan, output: Output, *, experiment: str | None = None, revisions: Mapping[str, str] | None = None
) -> ExitCode:
    """Run a plan with its progress on stderr and its verdict on stdout; Interrupted (130) after a Ctrl-C, having told
    what was measured."""
    require_named(plan)
    say_healed(plan.workspace)
    for line in forecast_lines(plan):
        say(line)
    with progress() as shown:
        telling = Telling(shown.say, shown.show)
        assessed = assess(
            plan,
            clock=SteadyClock(),
            telling=telling,
            experiment=experiment,
            revisions=revisions,
            strict=output.strict,
        )
        shown.close(assessed.verdict)
    code = tell_verdict(assessed, output)
    if assessed.interrupted:
        raise Interrupted(assessed.interrupted)
    return code


def tell_verdict(assessed: Assessed, output: Output) -> ExitCode:
    """Print the verdict and where the report is; write the files that were asked for."""
    if "-" not in output.files:  # stdout is that file's then
        with quoting(os.environ):
            for line in verdict_lines(assessed.verdict):
                tell(assessed.secrets.redact(line.text), style=STYLES[line.grade] if line.grade else "")
            if assessed.let_through:
                tell(assessed.let_through)
            if assessed.what_if:
                tell(f"what if: {assessed.what_if}")
            tell(f"report: {shown_path(assessed.files.report)}")
    redact = assessed.secrets.redact
    makers = (
        (output.json_file, lambda: as_json(verdict_of(assessed))),
        (output.junit_file, assessed.files.junit.read_bytes),
        (output.markdown_file, lambda: markdown(assessed.page, redact=redact).encode()),
    )
    code = write_results(makers, assessed.code)
    tell_github(assessed, os.environ, taken=output.files)
    return code
