"""Whatever is changed on a page of the desk stands in the trail with the operator who did it."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern

from apps.devices import trail

if TYPE_CHECKING:
    _Admin = admin.ModelAdmin[Any]
else:
    _Admin = object


class Signed(_Admin):
    """Before an admin's other bases: every page of it acts in its visitor's name."""

    def get_urls(self) -> list[URLPattern]:
        urls: list[URLPattern] = super().get_urls()
        for pattern in urls:
            pattern.callback = _signed(pattern.callback)
        return urls


def _signed(view: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(view)
    def as_visitor(request: HttpRequest, *args: Any, **named: Any) -> HttpResponse:
        with trail.by(request.user if request.user.is_authenticated else None):
            answer: HttpResponse = view(request, *args, **named)
            return answer

    return as_visitor
