"""The command line of `seatrial demo`. What it does is in `demo`."""

from __future__ import annotations

import typer

from seatrial.cli.options import DefectOption, JsonOption, ReplicasOption, StrictOption, finish

demo_app = typer.Typer(help="The demo bank: five small services to try everything on.", no_args_is_help=True)


@demo_app.command("run")
def demo_run(defect: DefectOption = None, strict: StrictOption = False, json: JsonOption = None) -> None:
    """Start the bank, assess it, stop it: the whole line in under four minutes."""
    from seatrial.cli.demo import run_demo

    finish(run_demo(defect or [], strict=strict, json_file=json))


@demo_app.command("up")
def demo_up(defect: DefectOption = None, replicas: ReplicasOption = False) -> None:
    """Start the bank and leave it running."""
    from seatrial.cli.demo import run_demo_up

    finish(run_demo_up(defect or [], replicas=replicas))


@demo_app.command("down")
def demo_down(replicas: ReplicasOption = False) -> None:
    """Stop the bank."""
    from seatrial.cli.demo import run_demo_down

    finish(run_demo_down(replicas=replicas))
