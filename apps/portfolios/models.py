"""Portfolio, Entry, Criterion, Comment, Decision: choosing the variants that ship, and approving them."""

from __future__ import annotations

from typing import Any, ClassVar

from django.conf import settings
from django.db import models

from apps.accounts.models import TeamOwned, User
from apps.catalog.models import Variant
from apps.live.models import Stream


class State(models.TextChoices):
    """The life of a portfolio. Whoever changes what is in an approved one makes a draft of it again."""

    DRAFT = "draft", "draft"
    IN_REVIEW = "in_review", "in review"
    APPROVED = "approved", "approved"
    CHANGES = "changes_requested", "changes requested"


class Comparison(models.TextChoices):
    """On which side of its bound a number must lie."""

    AT_MOST = "at_most", "at most"
    AT_LEAST = "at_least", "at least"


class Portfolio(TeamOwned):
    """Variants that are to ship together, what they must keep, and what the team says of that.

    `version` counts the changes of name, variants and criteria; every decision names the version that it judged.
    """

    stream = models.OneToOneField(Stream, on_delete=models.PROTECT, related_name="portfolio")
    name = models.CharField(max_length=120)
    description = models.TextField(blank=True)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    state = models.CharField(max_length=20, choices=State.choices, default=State.DRAFT)
    version = models.PositiveIntegerField(default=1)
    named_in = models.PositiveIntegerField(default=1, help_text="The version that changed name or description last.")
    changed_at = models.DateTimeField(auto_now_add=True)
    changed_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    submitted_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        ordering = ("-changed_at", "id")
        indexes = [models.Index(fields=["team", "-changed_at"], name="portfolios_of_a_team")]

    def __str__(self) -> str:
        return self.name

    @property
    def is_open(self) -> bool:
        """Whether what is in it may be changed; in review it stands still."""
        return self.state != State.IN_REVIEW

    def is_work_of(self, user: User) -> bool:
        """Whoever made it, changed it last or submitted it does not decide on it: two people stand behind an approval."""
        return user.pk in (self.author_id, self.changed_by_id, self.submitted_by_id)


class Entry(models.Model):
    """A variant of a portfolio. What is in a portfolio cannot be deleted."""

    REFERS_AS: ClassVar[str] = "portfolios"
    portfolio = models.ForeignKey(Portfolio, on_delete=models.CASCADE, related_name="entries")
    variant = models.ForeignKey(Variant, on_delete=models.PROTECT, related_name="+")
    note = models.CharField(max_length=300, blank=True)
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("pk",)
        constraints = [models.UniqueConstraint(fields=["portfolio", "variant"], name="a_variant_is_picked_once")]

    def __str__(self) -> str:
        return str(self.variant)


class Criterion(models.Model):
    """What every variant must keep: a metric, where and on what it is measured, and a bound in the metric's own unit."""

    portfolio = models.ForeignKey(Portfolio, on_delete=models.CASCADE, related_name="criteria")
    metric = models.CharField(max_length=80)
    unit = models.CharField(max_length=20, help_text="The unit of the bound, as measurements of the metric have it.")
    device = models.CharField(max_length=120, blank=True, help_text="Left empty: any device.")
    dataset = models.CharField(max_length=120, blank=True, help_text="Left empty: any data set.")
    comparison = models.CharField(max_length=8, choices=Comparison.choices)
    bound = models.FloatField()
    changed_in = models.PositiveIntegerField(default=1)

    class Meta:
        ordering = ("pk",)
        constraints = [models.UniqueConstraint(fields=["portfolio", "metric", "device", "dataset", "comparison"],
                                               name="a_criterion_is_asked_once")]

    def __str__(self) -> str:
        return f"{self.metric} {self.get_comparison_display()} {self.bound:g} {self.unit}"


class Comment(models.Model):
    """What somebody says of the portfolio, or of one cell of it. `about` keeps the cell's name when the cell is gone."""

    portfolio = models.ForeignKey(Portfolio, on_delete=models.CASCADE, related_name="comments")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    text = models.TextField()
    criterion = models.ForeignKey(Criterion, null=True, on_delete=models.SET_NULL, related_name="comments")
    variant = models.ForeignKey(Variant, null=True, on_delete=models.SET_NULL, related_name="+")
    about = models.CharField(max_length=300, blank=True)
    version = models.PositiveIntegerField()
    created = models.DateTimeField(auto_now_add=True)
    edited = models.DateTimeField(null=True)
    resolved_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    resolved = models.DateTimeField(null=True)

    class Meta:
        ordering = ("pk",)

    def __str__(self) -> str:
        return self.text[:60]


class Verdict(models.TextChoices):
    APPROVED = "approved", "approved"
    CHANGES = "changes_requested", "requested changes"


class Decision(models.Model):
    """Who judged which version how, with the board as it stood then. Never changed once it is written."""

    portfolio = models.ForeignKey(Portfolio, on_delete=models.CASCADE, related_name="decisions")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    by_name = models.CharField(max_length=254)
    verdict = models.CharField(max_length=20, choices=Verdict.choices)
    version = models.PositiveIntegerField()
    text = models.TextField(blank=True)
    although = models.PositiveIntegerField(default=0, help_text="How many cells did not pass when it was approved.")
    board: models.JSONField[Any, Any] = models.JSONField(default=dict)
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("pk",)

    def __str__(self) -> str:
        return f"{self.by_name} {self.get_verdict_display()} version {self.version}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise ValueError("a decision is never changed")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        raise ValueError("a decision is never deleted")
