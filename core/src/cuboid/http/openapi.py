"""The OpenAPI 3.1 document of a server, made of its routes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from cuboid import __version__
from cuboid.http.handler import JSON, Handler
from cuboid.http.operations import OPERATIONS, Operation, Parameter
from cuboid.http.schemas import SCHEMAS, ref

Document = dict[str, Any]

FAILURES: Mapping[int, str] = {
    400: "The query, the model or the database says no.",
    403: "No token, a bad one, or not allowed.",
    413: "The body is larger than the setting max_request_size.",
    431: "Path and headers are larger than 64 KB.",
    500: "A bug.",
    503: "The queue is full, or the server is stopping.",
}


def openapi(routes: Iterable[tuple[str, Iterable[str]]], base_path: str) -> Document:
    """The document.

    :param routes: path and methods of each route.
    :param base_path: what stands in front of the API's paths, without a slash at the end.

    Raises KeyError for a route of which :data:`OPERATIONS` says nothing.
    """
    paths = {
        path: {
            method.lower(): _operation(OPERATIONS[path.removeprefix(base_path)], path, method)
            for method in methods
            if method in ("GET", "POST", "DELETE")  # HEAD is GET without the body
        }
        for path, methods in routes
    }
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Cuboid",
            "version": __version__,
            "description": "Questions about measures and dimensions, over Cube's REST API.",
        },
        "paths": paths,
        "components": {
            "schemas": dict(SCHEMAS),
            "securitySchemes": {
                "token": {
                    "type": "apiKey",
                    "in": "header",
                    "name": "Authorization",
                    "description": "A JWT, alone or after a word such as Bearer.",
                }
            },
        },
    }


def _operation(operation: Operation, path: str, method: str) -> Document:
    words = re.sub(r"/?\{\w+\}", "", path).rpartition("/")[2].replace(".", "-").split("-")
    found: Document = {
        "operationId": method.lower() + ("".join(map(str.capitalize, words)) or "Root"),
        "summary": operation.summary,
        "security": [] if operation.open else [{"token": []}],
        "responses": _answers(operation, method),
    }
    if operation.scope is not None:
        found["description"] = f"Needs the scope `{operation.scope}`."
    parameters = [_in_path(name) for name in re.findall(r"\{(\w+)\}", path)]
    if method == "GET":
        parameters += [_in_query(each) for each in operation.parameters]
    else:
        parameters += [_in_query(each) for each in operation.parameters if not each.in_body]
    if parameters:
        found["parameters"] = parameters
    if method == "POST":
        found["requestBody"] = _body(operation.parameters)
    return found


def _in_path(name: str) -> Document:
    return {"name": name, "in": "path", "required": True, "description": "", "schema": {"type": "string"}}


def _in_query(parameter: Parameter) -> Document:
    how = (
        {"content": {"application/json": {"schema": parameter.schema}}}
        if parameter.as_json
        else {"schema": parameter.schema}
    )
    return {
        "name": parameter.name,
        "in": "query",
        "required": parameter.required,
        "description": parameter.text,
        **how,
    }


def _body(parameters: Iterable[Parameter]) -> Document:
    inside = [each for each in parameters if each.in_body]
    schema = {
        "type": "object",
        "properties": {each.name: {"description": each.text, **each.schema} for each in inside},
        "required": [each.name for each in inside if each.required],
    }
    return {"required": True, "content": {"application/json": {"schema": schema}}}


def _answers(operation: Operation, method: str) -> Document:
    answers: Document = {}
    if operation.answers:
        answers["200"] = {
            "description": "The answer.",
            "content": {media: {"schema": schema} for media, schema in operation.answers.items()},
        }
    if method == "GET":
        answers["304"] = {"description": "As the tag in If-None-Match says: nothing new."}
    failures = {status: FAILURES[status] for status in (431, 503)} if operation.open else dict(FAILURES)
    failures |= {status: text.capitalize() for status, text in operation.failures.items()}
    for status, text in sorted(failures.items()):
        schema = ref("Health") if operation.open and status == 500 else ref("Error")
        if status == 503:
            schema = {"anyOf": [ref("Error"), {"type": "object", "required": ["message"]}]}
        answers[str(status)] = {"description": text, "content": {"application/json": {"schema": schema}}}
    return answers


class OpenApiHandler(Handler):
    """``GET /openapi.json``: no token, since it says nothing of the model."""

    def initialize(self, document: bytes) -> None:
        self._document = document

    def get(self) -> None:
        self.set_header("Content-Type", JSON)
        self.finish(self._document)

    head = get
