from __future__ import annotations

from django.urls import path

from apps.home import health, metrics, search, views

urlpatterns = [
    path("", views.home, name="home"),
    path("search/", search.search, name="search"),
    path("healthz", health.healthz, name="healthz"),
    path("healthz/live", health.live, name="live"),
    path("metrics", metrics.metrics, name="metrics"),
]
