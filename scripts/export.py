"""`visage export`: a training run to a bundle."""

from pathlib import Path
from typing import Annotated

import typer

from model.export import export as export_run
from model.gallery import FALSE_REJECT_RATE
from scripts.console import JSONOption, emit, out


def export(
    run: Annotated[Path, typer.Argument(help="What `visage train` made.")],
    bundle: Annotated[Path, typer.Argument(help="Where the bundle goes.")],
    false_reject_rate: Annotated[
        float, typer.Option(min=0.001, max=0.5, help="Share of known faces that may be taken for strangers.")
    ] = FALSE_REJECT_RATE,
    replace: Annotated[bool, typer.Option("--replace", help="Replace the bundle that is there.")] = False,
    as_json: JSONOption = False,
) -> None:
    """Trace the network, check the trace against it on real faces, and write the bundle."""
    exported = export_run(run, bundle, false_reject_rate=false_reject_rate, replace_existing=replace)
    manifest = exported.bundle.manifest
    result = {
        "bundle": str(bundle),
        "version": manifest.version,
        "labels": list(manifest.labels),
        "threshold": manifest.threshold,
        "largest_difference": exported.difference,
    }
    emit(result, as_json=as_json, show=_show)


def _show(result: dict[str, object]) -> None:
    out.print(f"{result['bundle']}: version {result['version']}, threshold {result['threshold']:.3f}")
    out.print(f"Largest difference between trace and network on real faces: {result['largest_difference']:.1e}")
