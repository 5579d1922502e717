"""An OpenAPI document read: references resolved, and schemas closed, so that what they do not name is noticed."""

import jsonschema

METHODS = ("get", "head", "post", "put", "patch", "delete", "options")


def resolved(value, document):
    """`value` with what its references lead to in their places."""
    if isinstance(value, list):
        return [resolved(element, document) for element in value]
    if not isinstance(value, dict):
        return value
    if "$ref" not in value:
        return {name: resolved(member, document) for name, member in value.items()}
    place = document
    for name in value["$ref"].removeprefix("#/").split("/"):
        place = place[name]
    beside = {name: resolved(member, document) for name, member in value.items() if name != "$ref"}
    found = resolved(place, document)
    return {"allOf": [found], **beside} if beside else found


def closed(schema, is_part=False):
    """`schema` with every object closed; of what is put together the whole, not its parts."""
    if not isinstance(schema, dict):
        return schema
    schema = dict(schema)
    if "properties" in schema:
        schema["properties"] = {name: closed(member) for name, member in schema["properties"].items()}
    if "items" in schema:
        schema["items"] = closed(schema["items"])
    for name in ("allOf", "oneOf", "anyOf"):
        if name in schema:
            schema[name] = [closed(part, is_part=True) for part in schema[name]]
    if not is_part and not {"properties", "allOf", "oneOf", "anyOf"}.isdisjoint(schema):
        schema.setdefault("unevaluatedProperties", False)
    return schema


def validate(value, schema):
    """Hold a value to a schema, closed."""
    validator = jsonschema.Draft202012Validator
    validator(closed(schema), format_checker=validator.FORMAT_CHECKER).validate(value)


def examples(media_type):
    """The examples of a media type object."""
    named = [example["value"] for example in media_type.get("examples", {}).values()]
    return named + [media_type[name] for name in ("example",) if name in media_type]
