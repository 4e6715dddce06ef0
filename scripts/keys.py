"""`visage keys`: makes, lists and revokes the keys of a deployed API."""

import re
from datetime import date
from typing import Annotated, Any, Final

import typer

from dataset.words import counted
from deploy import keys, stack
from model.keys import DEFAULT_RATE, RECOGNIZE, SCOPES, Key, Keys, today
from model.settings import KEYS_SECONDS
from scripts.console import CommandError, JSONOption, emit, note, out
from scripts.stages import RegionOption, Stage, StageOption, target_of

app = typer.Typer(help="Make, list and revoke keys of a deployed API.", no_args_is_help=True)

_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}")


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="Who or what the key is for, such as `website`.")],
    stage: StageOption = Stage.LOCAL,
    scopes: Annotated[
        list[str] | None,
        typer.Option("--scope", help=f"What the key is for: {' or '.join(SCOPES)}. Repeat for both."),
    ] = None,
    last_day: Annotated[
        str | None, typer.Option(metavar="YYYY-MM-DD", help="The last day on which the key works, in UTC.")
    ] = None,
    rate: Annotated[
        int, typer.Option(min=1, max=60_000, help="How many requests a minute it may make.")
    ] = DEFAULT_RATE,
    region: RegionOption = None,
    as_json: JSONOption = False,
) -> None:
    """Make a key and print it. It is shown only here."""
    day = _day(last_day)

    def make(known: Keys) -> tuple[Keys, tuple[Key, str]]:
        changed, key, text = known.created(name, scopes or [RECOGNIZE], today(), day, rate)
        return changed, (key, text)

    make(Keys(stage))  # finds what is wrong before AWS is asked
    target = target_of(stage, region, "keys")
    access = stack.access(target)
    key, text = keys.change(target, make)
    emit({**_described(key), "key": text}, as_json=as_json, show=lambda _: out.print(text))
    note([f"This is shown only once, so store it now. It works within {counted(KEYS_SECONDS, 'second')}."])
    if not access.visitors_need_keys:
        whom = "visitors for no" if access.uses_keys else "for no"
        note([f"This stage asks {whom} keys. Deploy it with `visage deploy --auth key` to change that."])


@app.command("list")
def list_(stage: StageOption = Stage.LOCAL, region: RegionOption = None, as_json: JSONOption = False) -> None:
    """List the keys; revoked ones for 90 days."""
    found = keys.listed(target_of(stage, region, "keys")).keys
    emit([_described(key) for key in found], as_json=as_json, show=lambda _: _show(found))


@app.command()
def revoke(
    name: Annotated[str, typer.Argument(help="The name of the key, or its id.")],
    stage: StageOption = Stage.LOCAL,
    region: RegionOption = None,
    as_json: JSONOption = False,
) -> None:
    """Revoke a key, so that it no longer works."""
    key = keys.change(target_of(stage, region, "keys"), lambda known: known.revoked(name, today()))
    emit(
        _described(key),
        as_json=as_json,
        show=lambda _: out.print(f"The key {key.name} is revoked. It ends within {counted(KEYS_SECONDS, 'second')}."),
    )


def _day(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        if _DAY.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise CommandError(f"--last-day {text} is not a day. Write it as YYYY-MM-DD.")


def _described(key: Key) -> dict[str, Any]:
    """Return what is shown of a key: everything but its hash."""
    return {
        "id": key.id,
        "name": key.name,
        "scopes": list(key.scopes),
        "rate": key.rate,
        "created": str(key.created),
        "last_day": key.last_day and str(key.last_day),
        "revoked": key.revoked and str(key.revoked),
        "works": key.works(today()),
    }


def _show(found: tuple[Key, ...]) -> None:
    if not found:
        out.print("There are no keys. `visage keys create NAME` makes one.")
        return
    for key in found:
        scopes = " and ".join(key.scopes)
        out.print(f"{key.id}  {key.name}: {scopes}, {key.rate} a minute, made on {key.created}, {_state(key)}")


def _state(key: Key) -> str:
    if key.revoked:
        return f"revoked on {key.revoked}"
    if key.is_over(today()):
        return f"over since {key.last_day}"
    return f"works until {key.last_day}" if key.last_day else "works"
