from __future__ import annotations

from django.urls import path

from apps.devices import views

urlpatterns = [
    path("devices/", views.devices, name="devices"),
    path("devices/<uuid:pk>/", views.device, name="device"),
]
