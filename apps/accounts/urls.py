from __future__ import annotations

from django.contrib.auth.views import LogoutView
from django.urls import path

from apps.accounts import links, views

urlpatterns = [
    path("sign-in/", views.SignIn.as_view(), name="sign-in"),
    path("sign-out/", LogoutView.as_view(), name="sign-out"),
    path("account/", views.account, name="account"),
    path("enter/<str:secret>/", links.enter, name="enter"),
    path("team/", views.switch_team, name="switch-team"),
]
