"""Every address the portal really has: named pages, routes of the API, sockets."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from django.urls import URLPattern, URLResolver, get_resolver

from edgeportal.api import api

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


class Address(NamedTuple):
    """A page by its name, or a route of the API by its method and path, with the path as the urlconf writes it."""

    name: str
    path: str


def _patterns(resolver: URLResolver | None = None, prefix: str = "") -> Iterator[Address]:
    for pattern in (resolver or get_resolver()).url_patterns:
        path = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            if not path.startswith("admin"):
                yield from _patterns(pattern, path)
        elif isinstance(pattern, URLPattern):
            yield Address(pattern.name or "", path)


def pages() -> list[Address]:
    """Every address outside the admin and outside the routes of the API."""
    routes = {route.path for route in routes_of_the_api()}
    return [page for page in _patterns() if page.path not in routes and page.name != "api-root"]


def routes_of_the_api() -> list[Address]:
    """`GET /runs/{run}`, with the path as the urlconf writes it."""
    found = []
    for router in api._get_bound_routers():
        for path, view in router.path_operations.items():
            whole = re.sub("/+", "/", f"{router.prefix}/{path}")
            shown, written = re.sub(r"{[^}:]+:", "{", whole), "api" + whole.replace("{", "<").replace("}", ">")
            found += [Address(f"{method} {shown}", written) for each in view.operations for method in each.methods]
    return found


def sockets() -> list[str]:
    from apps.live.sockets import routes

    return [str(route.pattern) for route in routes]
