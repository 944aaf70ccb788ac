from __future__ import annotations

from django.urls import path

from apps.devices import block_pages, comparing, join_line, profile_pages, views
from apps.devices.boards import pages as boards
from apps.devices.links import pages as links

urlpatterns = [
    path("devices/join.sh", join_line.join_script, name="join-script"),
    path("api/agent/wheel", join_line.agent_wheel, name="agent-wheel"),
    path("devices/", views.devices, name="devices"),
    path("devices/new/", views.new_device, name="new-device"),
    path("devices/boards/add/", boards.add, name="add-board"),
    path("devices/boards/<uuid:pk>/", boards.code, name="board-code"),
    path("devices/boards/<uuid:pk>/panel/", boards.panel, name="board-code-panel"),
    path("devices/boards/<uuid:pk>/revoke/", boards.revoke_code, name="revoke-board-code"),
    path("devices/<uuid:pk>/agent/code/", boards.add_to_device, name="agent-code"),
    path("devices/<uuid:pk>/agent/replace-token/", boards.replace_token, name="agent-replace-token"),
    path("devices/<uuid:pk>/agent/revoke-token/", boards.revoke_token, name="agent-revoke-token"),
    path("devices/links/", links.links, name="links"),
    path("devices/links/network.csv", links.network_file, name="network-file"),
    path("devices/links/take-in/", links.take_in, name="take-in-network"),
    path("devices/links/<uuid:pk>/remove/", links.remove, name="remove-link"),
    path("devices/compare/", comparing.compare, name="devices-compare"),
    path("devices/compare/table.csv", comparing.table, name="devices-compare-csv"),
    path("devices/<uuid:pk>/", views.device, name="device"),
    path("devices/<uuid:pk>/retire/", views.retire, name="device-retire"),
    path("devices/<uuid:pk>/bring-back/", views.bring_back, name="device-bring-back"),
    path("devices/<uuid:pk>/drain/", views.drain, name="device-drain"),
    path("devices/profiles/new/", profile_pages.bring, name="bring-profile"),
    path("devices/profiles/examples/<str:name>", profile_pages.example, name="profile-example"),
    path("devices/profiles/<uuid:pk>/delete/", profile_pages.delete, name="profile-delete"),
    path("devices/profiles/<uuid:pk>/file/<str:form>", profile_pages.one_file, name="profile-file"),
    path("devices/<uuid:pk>/profiles/file/<str:form>", profile_pages.device_file, name="device-profiles-file"),
    path("devices/<uuid:pk>/profiles/newest/", block_pages.newest, name="newest-profiles"),
    path("devices/<uuid:pk>/profiles/<uuid:profile>/", block_pages.profile, name="profile"),
]
