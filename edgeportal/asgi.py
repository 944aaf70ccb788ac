"""HTTP goes to Django, websockets to the stream consumer; only our own pages may open a socket."""

from __future__ import annotations

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "edgeportal.settings")

from channels.routing import ProtocolTypeRouter
from django.core.asgi import get_asgi_application

http = get_asgi_application()

import edgeportal.celery  # noqa: E402, F401  makes it the current app, so that actions can wake workers by name
from apps.live import sockets  # noqa: E402  the apps must be loaded first
from edgeportal.bodies import bounded  # noqa: E402

application = ProtocolTypeRouter({
    "http": bounded(http),
    "websocket": sockets.application,
})
