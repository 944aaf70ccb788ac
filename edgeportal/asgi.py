"""HTTP goes to Django, websockets to the stream consumer; only our own pages may open a socket."""

from __future__ import annotations

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "edgeportal.settings")

import django
from channels.routing import ProtocolTypeRouter
from django.core.asgi import get_asgi_application

from edgeportal import holding

django.setup()

import edgeportal.celery  # noqa: E402  makes it the current app, so that actions can wake workers by name
import edgeportal.urls  # noqa: E402, F401  all pages, before the wait and not with the first visitor
from apps.live import sockets  # noqa: E402  the apps must be loaded first
from edgeportal.bodies import bounded  # noqa: E402

holding.wait()

application = ProtocolTypeRouter({
    "http": bounded(get_asgi_application()),
    "websocket": sockets.application,
})
