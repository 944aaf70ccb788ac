"""What ninja's schema leaves out: the errors every route may answer with, each as a problem."""

from __future__ import annotations

from typing import Any

from ninja.openapi.schema import OpenAPISchema

from apps.live.problems import MEDIA_TYPE

PROBLEM = {
    "type": "object", "title": "Problem", "description": "What went wrong (RFC 9457).",
    "required": ["type", "title", "status"],
    "properties": {
        "type": {"type": "string"}, "title": {"type": "string"}, "status": {"type": "integer"},
        "field": {"type": ["string", "null"], "description": "The field that is wrong."},
        "errors": {"type": "object", "additionalProperties": {"type": "string"}, "description": "All that is wrong, by field."},
        "request_id": {"type": "string"},
    },
}
ALWAYS = {401: "Nobody is signed in, or the token is not valid.", 403: "Your role, or the token's, does not allow it.",
          404: "There is no such thing, or not for you.", 422: "A field does not fit; `errors` says which and why.",
          429: "Too many requests with this token."}
WITH_BODY = {400: "The body cannot be read.", 409: "The thing is not in a state for this.", 413: "The body is too large.",
             415: "The body is not JSON."}
OF_A_FILE = {410: "The file is gone from the store, or damaged.", 503: "The store of files does not answer now."}


OF_AN_AGENT = {409: "Another board has this token, or this device does not hold the run.",
               426: "The agent is too old or too new; `needed` says which version is."}


def with_problems(schema: OpenAPISchema) -> OpenAPISchema:
    """The same schema, with a problem for every status that a route may answer with beside its own."""
    schema["components"]["schemas"]["Problem"] = PROBLEM
    for where, path in schema["paths"].items():
        for method, operation in path.items():
            _complete(operation, ALWAYS | (OF_A_FILE if _is_file(operation) else {} if method == "get" else WITH_BODY)
                      | (OF_AN_AGENT if where.startswith("/api/agent/") else {}))
    return schema


def _is_file(operation: dict[str, Any]) -> bool:
    return "application/octet-stream" in operation["responses"].get(200, {}).get("content", {})


def _complete(operation: dict[str, Any], problems: dict[int, str]) -> None:
    body = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    for status, words in problems.items():
        operation["responses"].setdefault(status, {"description": words, "content": body})
