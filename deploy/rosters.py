"""The roster of a deployed stage: made by the first deployment, and joined by the people beside the bundle."""

from contextlib import suppress

from deploy.target import Target, translate_errors
from model.bundle import COHORT, Bundle
from model.cohort import Cohort
from model.errors import SharedChangedError
from model.roster import Roster
from model.roster_gallery import measured
from model.roster_storage import PREFIX, RosterStorage, in_bucket, of_bundle
from model.space import embedding_space


def join(target: Target, bundle: Bundle, bucket: str, *, thumbnails: bool = False) -> list[str]:
    """Make the stage's roster for the bundle's embedding space, and add the people of the roster beside the bundle.

    Nobody who was removed on the stage comes back. Unless `thumbnails` are kept, those that there are are deleted.
    Return remarks on who was left out, and on another embedding space that has people.

    Raises:
        RosterError: a roster is damaged, or others change it all the time.
        SharedError: AWS refuses, or cannot be reached.
    """
    space = embedding_space(bundle.manifest)
    beside, _ = of_bundle(bundle).read()
    cohort = Cohort.load(bundle.path(COHORT))
    storage = RosterStorage.at(in_bucket(bucket, space), space, target.connect)
    with suppress(SharedChangedError):  # raised if it exists
        storage.make()

    def change(roster: Roster) -> tuple[Roster, list[str]]:
        joined, remarks = roster.merged(beside)
        return measured(joined, cohort), remarks  # also for a new cohort: a function would have to do it at each start

    roster, _, remarks = storage.change(change)
    if not thumbnails:
        _delete_thumbnails(storage, roster)
    return [*remarks, *_of_other_spaces(target, bucket, space)]


def _delete_thumbnails(storage: RosterStorage, roster: Roster) -> None:
    """Delete the pictures of all people, of whom the roster then says that there is none."""
    pictured = [person.id for person in roster.people if person.thumbnail]
    for identity in pictured:
        storage.thumbnail(identity).delete()

    def change(roster: Roster) -> tuple[Roster, None]:
        for identity in pictured:
            roster = roster.with_thumbnail(identity, kept=False) if roster.find(identity) else roster
        return roster, None

    storage.change(change)


def _of_other_spaces(target: Target, bucket: str, space: str) -> list[str]:
    """Return a remark if there are people in another embedding space, whom this bundle cannot know."""
    with translate_errors(), target.client("s3") as s3:
        found = s3.list_objects_v2(Bucket=bucket, Prefix=f"{PREFIX}/").get("Contents", [])
    spaces = {item["Key"].split("/")[1] for item in found} - {space}
    others = [RosterStorage.at(in_bucket(bucket, other), other, target.connect).read()[0] for other in sorted(spaces)]
    people = sum(len(roster.people) for roster in others)
    if not people:
        return []
    who = "1 person was" if people == 1 else f"{people} people were"
    remark = (
        f"{who} enrolled for another network or geometry ({', '.join(sorted(spaces))}). Enrol them again for this "
        f"bundle's ({space}), with `visage people add` or on the owner's page."
    )
    return [remark]
