from __future__ import annotations

from django.urls import path

from apps.deployments import pages

urlpatterns = [
    path("devices/<uuid:pk>/networks/", pages.on_device, name="networks-on-device"),
    path("runs/<uuid:pk>/boards/", pages.of_run, name="boards-of-run"),
    path("runs/<uuid:pk>/boards/first/", pages.send_first, name="send-first"),
    path("runs/<uuid:pk>/boards/updates/", pages.send_updates, name="send-updates"),
    path("deployments/<uuid:pk>/withdraw/", pages.withdraw, name="withdraw-deployment"),
]
