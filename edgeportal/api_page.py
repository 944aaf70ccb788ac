"""The page that documents the API, drawn from the schema that programs read: every route, its fields, a line to copy."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.text import slugify
from django.views.decorators.http import require_safe

from edgeportal.api import api

JSON = "application/json"
Schema = Mapping[str, Any]


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    schema = api.get_openapi_schema()
    origin = f"{request.scheme}://{request.get_host()}"
    return render(request, "api.html", {"groups": _groups(schema, origin), "origin": origin})


def _groups(schema: Schema, origin: str) -> list[dict[str, Any]]:
    """Routes by the first of their tags, in the order in which the house mounts them."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for path, methods in schema["paths"].items():
        for method, route in methods.items():
            tag = route.get("tags", ["api"])[0]
            groups.setdefault(tag, []).append(_route(schema, origin, path, method.upper(), route))
    return [{"name": name, "slug": slugify(name), "routes": routes} for name, routes in groups.items()]


def _route(schema: Schema, origin: str, path: str, method: str, route: Schema) -> dict[str, Any]:
    body = _resolved(schema, route.get("requestBody", {}).get("content", {}).get(JSON, {}).get("schema", {}))
    return {
        "id": route["operationId"], "method": method, "path": path, "about": _plain(route.get("description") or route["summary"]),
        "fields": [*map(_parameter, route["parameters"]), *_body_fields(schema, body)],
        "answers": [(status, told["description"]) for status, told in route["responses"].items() if str(status)[0] == "2"],
        "curl": _curl(origin, path, method, _example(schema, body) if body else None),
    }


def _parameter(given: Schema) -> dict[str, Any]:
    return {"name": given["name"], "place": given["in"], "is_needed": given.get("required", False),
            "takes": _takes(given["schema"]), "about": _plain(given.get("description", ""))}


def _body_fields(schema: Schema, body: Schema) -> list[dict[str, Any]]:
    needed = body.get("required", [])
    return [{"name": name, "place": "body", "is_needed": name in needed, "takes": _takes(_resolved(schema, field)),
             "about": _plain(field.get("description", ""))} for name, field in body.get("properties", {}).items()]


def _resolved(schema: Schema, part: Schema) -> Schema:
    """What a reference points at; of `X or null`, X."""
    choices = [each for each in part.get("anyOf", []) if each.get("type") != "null"]
    if len(choices) == 1:
        return _resolved(schema, choices[0])
    if "$ref" in part:
        found: Schema = schema["components"]["schemas"][part["$ref"].rsplit("/", 1)[-1]]
        return found
    return part


def _takes(part: Schema) -> str:
    """`one of draft, in_review`, `whole number, 1 to 200`, `list of ids`."""
    choices = [each for each in part.get("anyOf", []) if each.get("type") != "null"]
    part = choices[0] if choices else part
    if "enum" in part:
        return "one of " + ", ".join(str(each) or "empty" for each in part["enum"])
    if part.get("type") == "array":
        return f"list of {_takes(part.get('items', {}))}"
    words = {"integer": "whole number", "number": "number", "boolean": "true or false", "object": "object", "string": "text"}
    word = "id" if part.get("format") == "uuid" else words.get(part.get("type", ""), "value")
    bounds = {"minimum": "at least {:,}", "maximum": "at most {:,}", "maxLength": "at most {:,} characters"}
    return ", ".join([word, *(told.format(part[name]) for name, told in bounds.items() if name in part)])


def _example(schema: Schema, body: Schema) -> dict[str, Any]:
    """The smallest body: what is needed, with a value of its kind."""
    return {name: _value(_resolved(schema, body["properties"][name])) for name in body.get("required", [])}


def _value(part: Schema) -> Any:
    if "examples" in part:
        return part["examples"][0]
    if "enum" in part:
        return part["enum"][0]
    if part.get("format") == "uuid":
        return "<id>"
    samples = {"integer": part.get("minimum", 1), "number": 1.0, "boolean": True, "object": {}, "string": "..."}
    return [_value(part.get("items", {}))] if part.get("type") == "array" else samples.get(part.get("type", ""), "...")


def _curl(origin: str, path: str, method: str, body: dict[str, Any] | None) -> str:
    words = ["curl", "-H", '"Authorization: Bearer $TOKEN"']
    words += ["-X", method] if method != "GET" and (method != "POST" or body is None) else []
    words += ["-H", shlex.quote(f"Content-Type: {JSON}"), "-d", shlex.quote(json.dumps(body))] if body is not None else []
    return " ".join([*words, shlex.quote(origin + path)])


def _plain(text: str) -> str:
    """Words of code stand between backticks in the code itself; here they would only be seen as such."""
    return text.replace("`", "")
