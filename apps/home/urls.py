from __future__ import annotations

from django.urls import path

from apps.home import search, views

urlpatterns = [path("", views.home, name="home"), path("search/", search.search, name="search")]
