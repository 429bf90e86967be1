"""Find people whose limit changed with a membership since a snapshot was saved. Only GET requests are sent."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.core.budget import GroupId
from reconciler.core.people.moves import Moves, moves
from reconciler.core.recording import Recording
from reconciler.core.snapshot import Snapshot
from reconciler.errors import ReconcilerError
from reconciler.operations.ports import Reader
from reconciler.operations.reading import require_readable
from reconciler.operations.recorded import RecordedReader


def find_moves(recording: Recording, reader: Reader) -> Moves:
    """Read everybody now and compare.

    Raises ReconcilerError when the snapshot is of another deployment, and when an organization was listed then and is
    not now, or the other way round: its people would seem to leave or join it.
    """
    deployment = reader.deployment()
    if recording.deployment.id != deployment.id:
        raise ReconcilerError(
            f"The snapshot is of the deployment {recording.deployment.id} ({recording.deployment.url}), "
            f"and this is {deployment.id} ({deployment.url})",
            hint="give a snapshot of this deployment: `reconciler snapshot -o FILE`",
        )
    then = RecordedReader(recording)
    require_readable((reader.directory().organizations[id_] for id_ in reader.directory().failures), reader.directory())
    hidden = sorted({*_hidden(then, beside=reader), *_hidden(reader, beside=then)})
    if hidden:
        raise ReconcilerError(
            f"The groups of organization {', '.join(hidden)} can be read here and not in the snapshot, or the other "
            "way round, so who joined or left cannot be told",
            hint="make the snapshot with this token: `reconciler snapshot -o FILE`",
        )
    return moves(_everybody(then), _everybody(reader))


def _hidden(reader: Reader, *, beside: Reader) -> Iterator[str]:
    """Yield organizations that `beside` lists and `reader` does not; who reads all knows which do not exist."""
    directory, reads_all = reader.directory(), reader.deployment().reads_all
    for id_, organization in beside.directory().organizations.items():
        is_gone = reads_all and id_ not in directory.organizations
        if GroupId(id_) in beside.directory().groups and GroupId(id_) not in directory.groups and not is_gone:
            yield organization.name


def _everybody(reader: Reader) -> Snapshot:
    deployment, directory = reader.deployment(), reader.directory()
    has_overrides = deployment.offers.overrides
    people = reader.people(sorted(directory.users.values()), directory) if has_overrides else None
    return Snapshot(
        deployment=deployment,
        directory=directory,
        group_budgets=reader.group_budgets(sorted(directory.groups.values())),
        user_overrides=people.overrides if people else {},
        reported=people.reported if people else {},
    )
