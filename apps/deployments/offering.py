"""What a finished run of rounds offers boards, and which of it comes next for one."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import ValidationError

from apps.accounts.refusal import Conflict
from apps.experiments.models import Run, Status
from worker.addressed.offered import KEY, Offered, Update

UPDATING = "updating."
NOT_OVER = "Run {number} is {status}: what it offers a board is known when it has finished."
OFFERS_NOTHING = ("Run {number} offers boards no network: only runs of partial updating do, and one from before boards took "
                  "networks has to be run again.")
NOTHING_LEFT = "Nothing of run {number} is left to send: {device} has its last update, or will have it."
OTHER_NETWORK = ("{device} {serves}, and no update of run {number} begins there. Send the first network of this run; it takes "
                 "the place of what is served.")


def offered(run: Run) -> Offered:
    """Conflict with a sentence for a run that offers nothing."""
    # Boards write the summaries and files of their own runs: nothing of those is signed.
    if not run.recipe.startswith(UPDATING) or run.board_id or run.board_lease is not None:
        raise Conflict({"": OFFERS_NOTHING.format(number=run.number)})
    if run.status != Status.FINISHED:
        raise Conflict({"": NOT_OVER.format(number=run.number, status=run.status)})
    try:
        return Offered.model_validate(run.summary[KEY])
    except (KeyError, ValidationError):
        raise Conflict({"": OFFERS_NOTHING.format(number=run.number)}) from None


def following(updates: Sequence[Update], serving: str, first: str) -> list[Update]:
    """The updates that a board can take one after the other which serves the network of this SHA-256 and keeps that first one.

    Those behind the one that made what it serves; up to the first that begins elsewhere.
    """
    made = [place for place, each in enumerate(updates) if each.result == serving]
    found = list[Update]()
    for each in updates[made[-1] + 1 if made else 0:]:
        if each.base not in (serving, first):
            break
        found.append(each)
        serving = each.result
    return found


def network_name(run: Run) -> str:
    """What people call the network that the run was given."""
    return str((run.inputs.get("model") or {}).get("name") or run.params.get("model") or run.recipe)[:120]
