"""Addresses of people and teams. Names in the style of `account_login` are those by which allauth finds its own pages."""

from __future__ import annotations

from allauth.account import views as allauth
from allauth.mfa.base import views as second_step
from allauth.mfa.recovery_codes import views as codes
from allauth.mfa.totp import views as app
from allauth.socialaccount.providers.openid_connect.views import callback
from django.contrib.auth.views import LogoutView
from django.urls import path
from django.views.decorators.cache import never_cache

from apps.accounts import joining, links, team_page, views
from apps.accounts.second_step import Overview, TurnOn

urlpatterns = [
    path("sign-in/", views.SignIn.as_view(), name="sign-in"),
    path("sign-in/", views.SignIn.as_view(), name="account_login"),
    path("sign-in/code/", second_step.authenticate, name="mfa_authenticate"),
    path("sign-in/off/", allauth.account_inactive, name="account_inactive"),
    path("sign-in/with/<slug:provider_id>/", views.with_provider, name="openid_connect_login"),
    path("sign-in/with/<slug:provider_id>/back/", callback, name="openid_connect_callback"),
    path("sign-out/", LogoutView.as_view(), name="sign-out"),
    path("enter/<str:secret>/", links.enter, name="enter"),
    path("invitations/<str:secret>/", joining.invitation, name="invitation"),
    path("forgotten/", joining.forgotten, name="forgotten"),
    path("reset/<str:secret>/", joining.reset_password, name="reset-password"),
    path("account/", views.account, name="account"),
    path("account/sign-out-elsewhere/", views.sign_out_elsewhere, name="sign-out-elsewhere"),
    path("account/tokens/", views.make_token, name="make-token"),
    path("account/tokens/<uuid:pk>/end/", views.end_token, name="end-token"),
    path("account/confirm/", allauth.reauthenticate, name="account_reauthenticate"),
    path("account/confirm/code/", second_step.reauthenticate, name="mfa_reauthenticate"),
    path("account/password/", allauth.password_change, name="account_change_password"),
    path("account/password/first/", allauth.password_set, name="account_set_password"),
    path("account/second-step/", Overview.as_view(), name="mfa_index"),
    path("account/second-step/app/", never_cache(TurnOn.as_view()), name="mfa_activate_totp"),
    path("account/second-step/app/off/", app.deactivate_totp, name="mfa_deactivate_totp"),
    path("account/second-step/codes/", never_cache(codes.view_recovery_codes), name="mfa_view_recovery_codes"),
    path("account/second-step/codes/new/", codes.generate_recovery_codes, name="mfa_generate_recovery_codes"),
    path("account/second-step/codes/file/", codes.download_recovery_codes, name="mfa_download_recovery_codes"),
    path("team/", team_page.team, name="team"),
    path("team/switch/", views.switch_team, name="switch-team"),
    path("team/new/", team_page.new_team, name="new-team"),
    path("team/<uuid:pk>/rename/", team_page.rename_team, name="rename-team"),
    path("team/<uuid:pk>/leave/", team_page.leave_team, name="leave-team"),
    path("team/<uuid:pk>/invite/", team_page.invite, name="invite"),
    path("team/members/<int:pk>/role/", team_page.change_role, name="change-role"),
    path("team/members/<int:pk>/remove/", team_page.remove_member, name="remove-member"),
    path("team/members/<int:pk>/reset-link/", team_page.make_reset_link, name="make-reset-link"),
    path("team/invitations/<uuid:pk>/revoke/", team_page.revoke_invitation, name="revoke-invitation"),
]
