"""People and teams for operators."""

from __future__ import annotations

from typing import Any

from allauth.account.decorators import secure_admin_login
from allauth.mfa.admin import AuthenticatorAdmin
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import AdminUserCreationForm
from django.http import HttpRequest

from apps.accounts.models import Membership, Team, User

# The operators' desk has no sign-in of its own, which would know neither limits nor a second step.
admin.site.site_header = admin.site.site_title = "EdgePortal, the operators' desk"
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]
# An operator turns somebody's second step off by deleting it, and never needs to see its key.
AuthenticatorAdmin.exclude = ("data",)

RANK = ("is_staff", "is_superuser", "user_permissions", "groups")


class MembershipInline(admin.TabularInline[Membership, Team]):
    model = Membership
    extra = 0
    autocomplete_fields = ("user",)


class NewUser(AdminUserCreationForm):  # type: ignore[type-arg]
    """An address and a first password, which its owner changes."""

    class Meta:
        model = User
        fields = ("email",)


@admin.register(User)
class UserAdmin(DjangoUserAdmin):  # type: ignore[type-arg]
    """Only a superuser gives rank: others could promote themselves."""

    add_form = NewUser
    ordering = ("email",)
    list_display = ("email", "name", "is_active", "is_staff", "last_login")
    list_filter = ("is_active", "is_staff")
    search_fields = ("email", "name")
    fieldsets = (
        (None, {"fields": ("email", "name", "password")}),
        ("Rank", {"fields": ("is_active", *RANK)}),
    )
    add_fieldsets = ((None, {"fields": ("email", "usable_password", "password1", "password2")}),)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return () if request.user.is_superuser else RANK

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Who may change a superuser's password is one."""
        allowed = super().has_change_permission(request, obj)
        return allowed and (obj is None or not obj.is_superuser or bool(request.user.is_superuser))


@admin.register(Team)
class TeamAdmin(admin.ModelAdmin[Team]):
    list_display = ("name", "is_sample", "created")
    search_fields = ("name",)
    inlines = (MembershipInline,)
