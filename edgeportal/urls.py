"""Every address of the portal; each app names its own pages."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path

from edgeportal import api_page
from edgeportal.api import api

handler400 = "edgeportal.failures.unreadable"
handler500 = "edgeportal.failures.broken"

# allauth looks here for what it says when somebody tries too often.
handler429 = "apps.accounts.problems.too_many"

urlpatterns = [
    path("", include("apps.home.urls")),
    path("", include("apps.accounts.urls")),
    path("", include("apps.catalog.urls")),
    path("", include("apps.devices.urls")),
    path("docs/api/", api_page.page, name="api-docs"),
    path("", include("apps.experiments.urls")),
    path("", include("apps.deployments.urls")),
    path("", include("apps.plans.urls")),
    path("", include("apps.portfolios.urls")),
    path("api/", api.urls),
    path("admin/", admin.site.urls),
]
