"""What the stream's socket is compared with: Channels as its tutorial has it, one group_send an event to all consumers."""

from __future__ import annotations

import os
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "edgeportal.settings")

from channels.generic.websocket import AsyncWebsocketConsumer
from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application
from django.urls import path

http = get_asgi_application()


class Plain(AsyncWebsocketConsumer):
    """Every consumer has a channel of its own and is woken for each event."""

    async def connect(self) -> None:
        await self.channel_layer.group_add("plain", self.channel_name)
        await self.accept()

    async def disconnect(self, code: int) -> None:
        await self.channel_layer.group_discard("plain", self.channel_name)

    async def say(self, message: dict[str, Any]) -> None:
        await self.send(text_data=message["text"])


application = ProtocolTypeRouter({"http": http, "websocket": URLRouter([path("ws/plain/", Plain.as_asgi())])})
