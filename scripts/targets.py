"""Where a command that changes a bundle writes the new one."""

from pathlib import Path

from scripts.console import CommandError


def target_of(bundle: Path, output: Path | None) -> tuple[Path, bool]:
    """Return the folder for the new bundle, and whether it replaces `bundle`, however `output` spells its path.

    Raises:
        CommandError: `output` is something else that exists.
    """
    target, source = (output or bundle).resolve(), bundle.resolve()
    if target != source and target.exists() and not (target.is_dir() and not any(target.iterdir())):
        raise CommandError(f"{output} exists already. Give another --output, or none to replace {bundle}.")
    return target, target == source
