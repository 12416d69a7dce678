"""The OpenAPI document."""

import msgspec

from schemas import api, chat_api
from schemas.openapi import Access, Operation, document, text

OPERATIONS = [
    Operation(
        name="makeChannel",
        method="POST",
        path="/channels",
        summary="Make",
        access=Access.USER,
        body=api.CreateChannel,
        data=api.Channel,
    ),
    Operation(
        name="listChannels",
        method="GET",
        path="/channels",
        summary="List",
        access=Access.PUBLIC,
        query=api.ListChannels,
        data=api.Channel,
        is_list=True,
    ),
    Operation(
        name="getIngest",
        method="GET",
        path="/channels/{channel}/ingest",
        summary="Ingest",
        access=Access.OWNER,
        data=api.IngestState,
    ),
]
DOCUMENT = document(OPERATIONS, version="1.2.3")
SCHEMAS = DOCUMENT["components"]["schemas"]


def test_a_path_holds_all_its_methods() -> None:
    assert set(DOCUMENT["paths"]) == {"/channels", "/channels/{channel}/ingest"}
    assert set(DOCUMENT["paths"]["/channels"]) == {"post", "get"}
    assert DOCUMENT["info"]["version"] == "1.2.3"


def test_what_the_server_sends_has_every_property_required() -> None:
    for name in ("Channel", "SessionHealth", "TrackHealth", "StreamOnline", "ViewerCount", "Page", "Joined"):
        assert set(SCHEMAS[name]["required"]) == set(SCHEMAS[name]["properties"]), name


def test_what_may_be_left_out_of_an_error_is_not_required() -> None:
    assert SCHEMAS["ErrorBody"]["required"] == ["code", "message"]


def test_defaults_make_request_fields_optional_and_unknown_ones_are_refused() -> None:
    assert SCHEMAS["CreateChannel"]["required"] == ["name"]
    assert SCHEMAS["CreateChannel"]["additionalProperties"] is False
    assert SCHEMAS["Join"]["required"] == ["type", "channelId"]


def test_socket_messages_are_unions_on_type() -> None:
    for name, members in (("ClientMessage", {"join", "leave", "ping"}), ("ServerMessage", {"joined", "pong"})):
        union = SCHEMAS[name]
        assert union["discriminator"]["propertyName"] == "type"
        assert members <= set(union["discriminator"]["mapping"])
        assert len(union["anyOf"]) == len(union["discriminator"]["mapping"])


def test_patterns_are_json_schemas_own() -> None:
    assert SCHEMAS["CreateChannel"]["properties"]["name"]["pattern"] == "^[a-z0-9_]{3,25}$"
    assert r"\Z" not in text(OPERATIONS, version="1")


def test_each_answer_is_an_envelope() -> None:
    answers = DOCUMENT["paths"]["/channels"]["get"]["responses"]
    good = answers["200"]["content"]["application/json"]["schema"]
    assert good["required"] == ["success", "data", "page"]
    assert good["properties"]["data"] == {"type": "array", "items": {"$ref": "#/components/schemas/Channel"}}
    assert answers["400"]["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/Failure"}


def test_parameters_come_from_the_path_and_the_query_struct() -> None:
    query = DOCUMENT["paths"]["/channels"]["get"]["parameters"]
    assert {p["name"]: p["in"] for p in query} == dict.fromkeys(["live", "category", "q", "cursor", "limit"], "query")
    (channel,) = DOCUMENT["paths"]["/channels/{channel}/ingest"]["get"]["parameters"]
    assert (channel["name"], channel["in"], channel["required"]) == ("channel", "path", True)


def test_a_parameter_without_a_default_is_required() -> None:
    operation = Operation(
        name="listMine",
        method="GET",
        path="/mine",
        summary="Mine",
        access=Access.USER,
        query=chat_api.ListMyEmotes,
        data=chat_api.UsableEmotes,
    )
    described = document([*OPERATIONS, operation], version="1")["paths"]
    assert [p["required"] for p in described["/mine"]["get"]["parameters"]] == [True]
    assert not any(p["required"] for p in described["/channels"]["get"]["parameters"])


def test_a_form_has_files_of_any_bytes() -> None:
    operation = Operation(
        name="createEmote",
        method="POST",
        path="/emotes",
        summary="Make",
        access=Access.USER,
        form=chat_api.CreateEmote,
        data=chat_api.Emote,
    )
    described = document([operation], version="1")
    post = described["paths"]["/emotes"]["post"]
    assert list(post["requestBody"]["content"]) == ["multipart/form-data"]
    assert "413" in post["responses"]
    form = described["components"]["schemas"]["CreateEmote"]
    assert form["properties"]["image"] == {"type": "string", "format": "binary"}
    assert form["required"] == ["name", "image"]


def test_only_public_operations_need_no_proof() -> None:
    assert DOCUMENT["paths"]["/channels"]["get"]["security"] == []
    assert DOCUMENT["paths"]["/channels"]["post"]["security"] == [{"bearer": []}, {"cookie": []}]


def test_every_reference_leads_somewhere() -> None:
    content = text(OPERATIONS, version="1")
    for part in content.split("#/components/schemas/")[1:]:
        assert part.split('"')[0] in SCHEMAS


def test_times_say_their_format() -> None:
    assert SCHEMAS["Channel"]["properties"]["createdAt"] == {"type": "string", "format": "date-time"}


def test_the_text_is_the_same_each_time() -> None:
    first = text(OPERATIONS, version="1")
    assert first == text(OPERATIONS, version="1")
    assert msgspec.json.decode(first) == document(OPERATIONS, version="1")
    assert first.endswith("}\n")
