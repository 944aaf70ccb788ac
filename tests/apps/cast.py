"""The cast of every test: Alice leads, Ruth reviews, Mia works, Victor looks on, Mallory is of another team."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils import timezone

from apps.accounts import tokens
from apps.accounts.models import Membership, Role, Scope, Team, User
from apps.experiments.models import Experiment, Run, Status
from apps.live.models import Stream


@dataclass
class Cast:
    """People and the team that all but Mallory share."""

    team: Team
    alice: User
    ruth: User
    victor: User
    mallory: User
    mia: User

    @property
    def olga(self) -> User:
        """An operator: staff of the house, in no team."""
        return User.objects.get_or_create(email="olga@example.org", defaults={"name": "Olga", "is_staff": True})[0]

    def token(self, scope: Scope, whose: User | None = None) -> str:
        """The text of a token for the team, Alice's unless somebody else is named."""
        return tokens.make(whose or self.alice, self.team, f"a token to {scope.value}", scope)[1]

    def run(self, status: Status = Status.QUEUED, **fields: object) -> Run:
        """A run of the team, as `launch` would leave it."""
        number = Run.objects.count() + 1
        experiment = Experiment.objects.create(team=self.team, name=f"try {number}", recipe="training.backprop")
        values = {"recipe": "training.backprop", "params": {}, "queued_at": timezone.now(), **fields}
        return Run.objects.create(team=self.team, experiment=experiment, number=number, status=status,
                                  stream=Stream.objects.create(team=self.team), **values)


def gather() -> Cast:
    team, other = Team.objects.create(name="Edge"), Team.objects.create(name="Others")
    people = [User.objects.create_user(f"{name}@example.org", None, name=name.title())
              for name in ("alice", "ruth", "victor", "mallory", "mia")]
    roles = [(team, Role.ADMIN), (team, Role.REVIEWER), (team, Role.VIEWER), (other, Role.ADMIN), (team, Role.MEMBER)]
    for person, (where, role) in zip(people, roles, strict=True):
        Membership.objects.create(team=where, user=person, role=role)
    return Cast(team, *people)
