"""Find people whose limit changed with a membership since a snapshot was saved. Only GET requests are sent."""

from __future__ import annotations

from reconciler.core.people.moves import Move, moves
from reconciler.core.recording import Recording
from reconciler.core.snapshot import Snapshot
from reconciler.errors import ReconcilerError
from reconciler.operations.ports import Reader
from reconciler.operations.recorded import RecordedReader


def find_moves(recording: Recording, reader: Reader) -> tuple[Move, ...]:
    """Read everybody now and compare; raises ReconcilerError when the snapshot is of another deployment."""
    deployment = reader.deployment()
    if recording.deployment.id != deployment.id:
        raise ReconcilerError(
            f"The snapshot is of the deployment {recording.deployment.id} ({recording.deployment.url}), "
            f"and this is {deployment.id} ({deployment.url})",
            hint="give a snapshot of this deployment: `reconciler snapshot -o FILE`",
        )
    return moves(_everybody(RecordedReader(recording)), _everybody(reader))


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
