"""The OpenAPI 3.1 document, made from the same table of operations that drives routing and validation (`web/app.py`).

TypeScript types of the UI are generated from it, those of the event socket's messages included: they are components
that no path refers to.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from http import HTTPStatus
from typing import Any

import msgspec

from schemas import api
from schemas.chat_api import Scope
from schemas.errors import ErrorCode, Failure
from schemas.socket import ClientMessage, ServerMessage

Json = dict[str, Any]
REF = "#/components/schemas/{name}"
PARAMETER = re.compile(r"\{(\w+)\}")
SOCKET_UNIONS: dict[str, object] = {"ClientMessage": ClientMessage, "ServerMessage": ServerMessage}


class Access(Enum):
    """Who may call an operation.

    OWNER: the channel in the path is the caller's, or the caller is an administrator. MODERATOR: the caller moderates
    that channel, or owns it.
    """

    PUBLIC = "public"
    USER = "user"
    MODERATOR = "moderator"
    OWNER = "owner"


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One row of the table: what a client sends and gets back."""

    name: str
    method: str
    path: str
    summary: str
    access: Access
    body: type[msgspec.Struct] | None = None
    form: type[msgspec.Struct] | None = None
    """A body that is multipart/form-data; its fields of bytes are files."""
    query: type[msgspec.Struct] | None = None
    data: type[msgspec.Struct]
    is_list: bool = False
    scope: Scope | None = None
    """What a token for programs must open to do this; None: only a person's own session does."""
    may_miss: bool = False
    """Its body or query names something that there may not be; what its path names is always so."""
    status: HTTPStatus = HTTPStatus.OK

    @property
    def tag(self) -> str:
        """The first word of the path: what the operation is about."""
        return self.path.strip("/").split("/", 1)[0]


def document(operations: Sequence[Operation], *, version: str) -> Json:
    """Return the whole document as plain data."""
    components = _components(operations)
    paths: dict[str, Json] = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation, components)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Tallylight",
            "version": version,
            "description": "Every answer is an envelope: `success` with `data`, or `success: false` with `error`.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/api"}],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "cookie": {"type": "apiKey", "in": "cookie", "name": "session"},
            },
        },
    }


def text(operations: Sequence[Operation], *, version: str) -> str:
    """Return the document as JSON that is the same for the same table, byte for byte."""
    encoded = msgspec.json.encode(document(operations, version=version))
    return msgspec.json.format(encoded, indent=2).decode() + "\n"


def _components(operations: Sequence[Operation]) -> dict[str, Json]:
    structs = [t for o in operations for t in (o.body, o.form, o.query, o.data) if t is not None]
    types: list[object] = [*dict.fromkeys(structs), api.Page, Failure, *SOCKET_UNIONS.values()]
    schemas, components = msgspec.json.schema_components(types, ref_template=REF)
    unions = dict(zip(SOCKET_UNIONS, schemas[-len(SOCKET_UNIONS) :], strict=True))
    for kind in _structs(types):
        schema = components[kind.__name__]
        config = kind.__struct_config__
        if not config.forbid_unknown_fields and not config.omit_defaults:
            # What the server sends always has every property; only in requests does a default mean "optional".
            schema["required"] = list(schema.get("properties", {}))
    for form in {operation.form for operation in operations if operation.form is not None}:
        _files(components[form.__name__])
    _portable(components)
    return {name: components[name] for name in sorted(components)} | unions


def _structs(types: Iterable[object]) -> set[type[msgspec.Struct]]:
    """Return every Struct that the types reach."""
    found: set[type[msgspec.Struct]] = set()
    waiting: list[object] = list(msgspec.inspect.multi_type_info(types))
    while waiting:
        info = waiting.pop()
        match info:
            case msgspec.inspect.StructType():
                if info.cls not in found:
                    found.add(info.cls)
                    waiting.extend(field.type for field in info.fields)
            case msgspec.inspect.UnionType():
                waiting.extend(info.types)
            case msgspec.inspect.ListType():
                waiting.append(info.item_type)
            case msgspec.inspect.DictType():
                waiting.append(info.value_type)
            case msgspec.inspect.Metadata():
                waiting.append(info.type)
            case _:
                pass
    return found


def _files(schema: Json) -> None:
    """Describe the fields of a form that are bytes as files: JSON would have them as base64."""
    for field in schema["properties"].values():
        if field.pop("contentEncoding", None) is not None:
            field["format"] = "binary"
            field.pop("minLength", None)  # those of base64
            field.pop("maxLength", None)


def _portable(node: object) -> None:
    """Write Python's end-of-text anchor as JSON Schema's, everywhere below the node."""
    if isinstance(node, dict):
        pattern = node.get("pattern")
        if isinstance(pattern, str):
            node["pattern"] = pattern.replace(r"\Z", "$")
        for value in node.values():
            _portable(value)
    elif isinstance(node, list):
        for value in node:
            _portable(value)


def _operation(operation: Operation, components: dict[str, Json]) -> Json:
    described: Json = {
        "operationId": operation.name,
        "summary": operation.summary,
        "tags": [operation.tag],
        "parameters": [*_path_parameters(operation), *_query_parameters(operation, components)],
        "responses": _responses(operation),
        "security": [] if operation.access is Access.PUBLIC else [{"bearer": []}, {"cookie": []}],
    }
    for kind, content_type in ((operation.body, "application/json"), (operation.form, "multipart/form-data")):
        if kind is not None:
            schema = {"$ref": REF.format(name=kind.__name__)}
            described["requestBody"] = {"required": True, "content": {content_type: {"schema": schema}}}
    return described


def _path_parameters(operation: Operation) -> list[Json]:
    schema = {"type": "string", "minLength": 1, "pattern": "^[A-Za-z0-9_]+$"}
    return [
        {"name": name, "in": "path", "required": True, "schema": schema} for name in PARAMETER.findall(operation.path)
    ]


def _query_parameters(operation: Operation, components: dict[str, Json]) -> list[Json]:
    if operation.query is None:
        return []
    described = components[operation.query.__name__]
    return [
        {"name": name, "in": "query", "required": name in described["required"], "schema": schema, "explode": True}
        for name, schema in described["properties"].items()
    ]


def _responses(operation: Operation) -> Json:
    data: Json = {"$ref": REF.format(name=operation.data.__name__)}
    properties: Json = {"success": {"const": True}, "data": data}
    if operation.is_list:
        properties |= {"data": {"type": "array", "items": data}, "page": {"$ref": REF.format(name="Page")}}
    good = {"type": "object", "required": list(properties), "properties": properties}
    failed = {"$ref": REF.format(name="Failure")}
    described = {str(operation.status.value): _json("Done", good)}
    for status, codes in _failures(operation).items():
        described[str(status.value)] = _json(", ".join(code.value for code in codes), failed)
    return described


def _failures(operation: Operation) -> dict[HTTPStatus, list[ErrorCode]]:
    bad = [ErrorCode.PARSE_ERROR, ErrorCode.INVALID_REQUEST] if operation.body else [ErrorCode.INVALID_REQUEST]
    failures = {
        HTTPStatus.BAD_REQUEST: bad,
        HTTPStatus.UNAUTHORIZED: [ErrorCode.UNAUTHORIZED],
        HTTPStatus.FORBIDDEN: [ErrorCode.FORBIDDEN],
        HTTPStatus.NOT_FOUND: [ErrorCode.NOT_FOUND],
        HTTPStatus.CONFLICT: [ErrorCode.CONFLICT, ErrorCode.DUPLICATE, ErrorCode.NO_PUBLISHER],
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE: [ErrorCode.PAYLOAD_TOO_LARGE],
        HTTPStatus.TOO_MANY_REQUESTS: [ErrorCode.RATE_LIMITED],
        HTTPStatus.SERVICE_UNAVAILABLE: [ErrorCode.UNAVAILABLE],
        HTTPStatus.INTERNAL_SERVER_ERROR: [ErrorCode.INTERNAL_ERROR],
    }
    if not PARAMETER.search(operation.path) and not operation.may_miss:
        del failures[HTTPStatus.NOT_FOUND]
    if operation.body is None and operation.form is None:
        del failures[HTTPStatus.REQUEST_ENTITY_TOO_LARGE]
    if operation.method == "GET":
        del failures[HTTPStatus.CONFLICT]
    return failures


def _json(description: str, schema: Json) -> Json:
    return {"description": description, "content": {"application/json": {"schema": schema}}}
