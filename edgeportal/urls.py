"""Every address of the portal; each app names its own pages."""

from __future__ import annotations

from django.contrib import admin
from django.contrib.auth.decorators import login_not_required
from django.urls import URLPattern, include, path

from edgeportal.api import api

# The API asks for itself who is there, and says 401 in its own words: a program has no use for the sign-in page.
API = api.urls
for route in API[0]:
    if isinstance(route, URLPattern) and str(route.name) not in ("openapi-json", "api-root") and route.callback:
        route.callback = login_not_required(route.callback)

urlpatterns = [
    path("", include("apps.home.urls")),
    path("", include("apps.accounts.urls")),
    path("", include("apps.catalog.urls")),
    path("", include("apps.devices.urls")),
    path("", include("apps.experiments.urls")),
    path("", include("apps.portfolios.urls")),
    path("api/streams/", include("apps.live.urls")),
    path("api/", API),
    path("admin/", admin.site.urls),
]
