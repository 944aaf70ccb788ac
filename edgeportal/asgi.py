"""HTTP goes to Django, websockets to the stream consumer; only our own pages may open a socket."""

from __future__ import annotations

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "edgeportal.settings")

from channels.auth import AuthMiddlewareStack
from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import AllowedHostsOriginValidator
from django.core.asgi import get_asgi_application

http = get_asgi_application()

import edgeportal.celery  # noqa: E402, F401  makes it the current app, so that actions can wake workers by name
from apps.live.sockets import routes  # noqa: E402  the apps must be loaded first

application = ProtocolTypeRouter({
    "http": http,
    "websocket": AllowedHostsOriginValidator(AuthMiddlewareStack(URLRouter(routes))),
})
