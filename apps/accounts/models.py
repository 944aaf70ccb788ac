"""Who people are and what they may see: User, Team, Membership, and what lets them in; `visible_to` is the only way to fetch."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any, ClassVar, Self

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.utils import timezone
from django.utils.crypto import salted_hmac

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser


class UserManager(BaseUserManager["User"]):
    """Makes users by e-mail address, kept in lower case so that one address is one person."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> User:
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)

    def get_by_natural_key(self, username: str | None) -> User:
        return self.get(email=(username or "").lower())


class User(AbstractBaseUser, PermissionsMixin):
    """A person, who signs in by e-mail address."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    email = models.EmailField(unique=True)
    name = models.CharField(max_length=120, blank=True)
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False)
    created = models.DateTimeField(auto_now_add=True)
    sign_outs = models.PositiveIntegerField(default=0, editable=False)
    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []
    # Not columns: when a token speaks for the person, it speaks for one team and up to one role.
    only_team: uuid.UUID | None = None
    ceiling: str = "admin"

    def __str__(self) -> str:
        return self.name or self.email

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        """What every session of the person must agree with: it ends when the password or `sign_outs` changes."""
        plain: str = super()._get_session_auth_hash(secret)  # type: ignore[misc]
        if not self.sign_outs:
            return plain
        return salted_hmac("apps.accounts.sign_outs", f"{plain} {self.sign_outs}", secret=secret, algorithm="sha256").hexdigest()


class Role(models.TextChoices):
    """What a person may do in a team, from least to most."""

    VIEWER = "viewer"
    MEMBER = "member"
    REVIEWER = "reviewer"
    ADMIN = "admin"


ROLES = tuple(Role)
EDITORS = ROLES[ROLES.index(Role.MEMBER):]
REVIEWERS = ROLES[ROLES.index(Role.REVIEWER):]
ADMINS = (Role.ADMIN,)


class Memberships(models.QuerySet["Membership"]):
    def granting(self, user: User | AnonymousUser, roles: tuple[Role, ...]) -> Self:
        """The memberships through which this person, signed in or spoken for by a token, has one of these roles.

        Roles grow: one that is allowed implies all above it, and a token's ceiling lies at or above what it may do.
        """
        if not user.pk or ROLES.index(Role(user.ceiling)) < ROLES.index(roles[0]):
            return self.none()
        mine = self.filter(user_id=user.pk, role__in=roles)
        return mine.filter(team_id=user.only_team) if user.only_team else mine


class TeamQuerySet(models.QuerySet[Any]):
    """Things that belong to a team. Foreign things are not there at all, so that a stranger gets a 404."""

    def visible_to(self, user: User | AnonymousUser) -> Self:
        return self._with_role(user, ROLES)

    def editable_by(self, user: User | AnonymousUser) -> Self:
        return self._with_role(user, EDITORS)

    def reviewable_by(self, user: User | AnonymousUser) -> Self:
        return self._with_role(user, REVIEWERS)

    def administered_by(self, user: User | AnonymousUser) -> Self:
        return self._with_role(user, ADMINS)

    def _with_role(self, user: User | AnonymousUser, roles: tuple[Role, ...]) -> Self:
        return self.filter(team__in=Membership.objects.granting(user, roles).values("team_id"))


class Teams(models.QuerySet["Team"]):
    """Teams, by what a person may do in them."""

    def visible_to(self, user: User | AnonymousUser) -> Self:
        return self._with_role(user, ROLES)

    def editable_by(self, user: User | AnonymousUser) -> Self:
        return self._with_role(user, EDITORS)

    def administered_by(self, user: User | AnonymousUser) -> Self:
        return self._with_role(user, ADMINS)

    def _with_role(self, user: User | AnonymousUser, roles: tuple[Role, ...]) -> Self:
        return self.filter(pk__in=Membership.objects.granting(user, roles).values("team_id"))


class Team(models.Model):
    """People who share models, data, devices and runs."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=120)
    is_sample = models.BooleanField(default=False)
    runs_numbered = models.PositiveIntegerField(default=0, editable=False)
    created = models.DateTimeField(auto_now_add=True)
    objects = Teams.as_manager()

    class Meta:
        ordering = ("name", "id")

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    """One person's role in one team."""

    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role.choices, default=Role.MEMBER)
    objects = Memberships.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["team", "user"], name="one_membership_a_team")]

    def __str__(self) -> str:
        return f"{self.user} is {self.role} of {self.team}"


class TeamOwned(models.Model):
    """A thing with an unguessable id that belongs to a team."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="+")
    created = models.DateTimeField(auto_now_add=True)
    objects = TeamQuerySet.as_manager()

    class Meta:
        abstract = True


class SignInLink(models.Model):
    """A link that signs somebody in once: its secret is kept only as a hash, and it dies after ten minutes."""

    digest = models.CharField(max_length=64, primary_key=True)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    next = models.CharField(max_length=200, default="/")
    expires = models.DateTimeField()
    used = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"link of {self.user}"


class Scope(models.TextChoices):
    """What a token may do at most; its person's role holds as well."""

    READ = "read", "Read: look at everything, change nothing"
    WRITE = "write", "Write: upload, launch and change, as a member does"
    REVIEW = "review", "Review: also comment and decide, as a reviewer does"
    ADMIN = "admin", "Admin: also change who is in the team"


CEILING = {Scope.READ: Role.VIEWER, Scope.WRITE: Role.MEMBER, Scope.REVIEW: Role.REVIEWER, Scope.ADMIN: Role.ADMIN}


class Tokens(models.QuerySet["ApiToken"]):
    """Tokens, by who may see or end them: never another token."""

    def visible_to(self, user: User | AnonymousUser) -> Self:
        """A person's own, wherever they still belong to the team."""
        return self.none() if not user.pk or user.only_team else self.filter(user_id=user.pk, team__in=_teams(user, ROLES))

    def administered_by(self, user: User | AnonymousUser) -> Self:
        """An administrator sees and ends every token of the team."""
        return self.none() if not user.pk or user.only_team else self.filter(team__in=_teams(user, ADMINS))


def _teams(user: User | AnonymousUser, roles: tuple[Role, ...]) -> models.QuerySet[Membership, Any]:
    return Membership.objects.granting(user, roles).values("team_id")


class ApiToken(models.Model):
    """What a program sends in a person's name, for one team; only its prefix and the SHA-256 of its secret are kept."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="tokens")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="tokens")
    name = models.CharField(max_length=80)
    prefix = models.CharField(max_length=8, unique=True)
    digest = models.CharField(max_length=64)
    scope = models.CharField(max_length=6, choices=Scope.choices, default=Scope.READ)
    created = models.DateTimeField(auto_now_add=True)
    expires = models.DateTimeField(null=True, blank=True)
    last_used = models.DateTimeField(null=True, blank=True)
    revoked = models.DateTimeField(null=True, blank=True)
    objects = Tokens.as_manager()

    class Meta:
        ordering = ("-created",)

    def __str__(self) -> str:
        return f"ep_{self.prefix}_…"

    @property
    def is_over(self) -> bool:
        return self.expires is not None and self.expires <= timezone.now()


class Invitations(models.QuerySet["Invitation"]):
    """Invitations, by who may see them and by whether they still hold."""

    def administered_by(self, user: User | AnonymousUser) -> Self:
        return self.filter(team__in=_teams(user, ADMINS))

    def pending(self) -> Self:
        return self.filter(used=None, revoked=None, expires__gt=timezone.now())


class Invitation(models.Model):
    """A place in a team, held for one address for a week; its link's secret is kept only as a hash."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="invitations")
    email = models.EmailField()
    role = models.CharField(max_length=10, choices=Role.choices, default=Role.MEMBER)
    digest = models.CharField(max_length=64, unique=True)
    invited_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    created = models.DateTimeField(auto_now_add=True)
    expires = models.DateTimeField()
    used = models.DateTimeField(null=True)
    revoked = models.DateTimeField(null=True)
    objects = Invitations.as_manager()

    class Meta:
        ordering = ("-created",)
        indexes = (models.Index(fields=["email"], name="invitations_of_an_address"),)

    def __str__(self) -> str:
        return f"{self.email} as {self.role} of {self.team}"


class ResetLink(models.Model):
    """A link that sets a new password once, within the hour; its secret is kept only as a hash."""

    digest = models.CharField(max_length=64, primary_key=True)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    made_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    expires = models.DateTimeField()
    used = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"link to reset the password of {self.user}"
