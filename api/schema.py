"""Words of JSON Schema for the descriptions of answers."""

from typing import Any


def object_of(description: str, **properties: Any) -> dict[str, Any]:
    """Describe an object that always has all of `properties`."""
    return {
        "type": "object",
        "description": description,
        "required": list(properties),
        "properties": properties,
    }


def with_optional(described: dict[str, Any], **properties: Any) -> dict[str, Any]:
    """Describe an object that may also have other properties."""
    return {**described, "properties": {**described["properties"], **properties}}


def list_of(item: str, description: str, **limits: int) -> dict[str, Any]:
    """Describe a list of what another schema describes."""
    return {"type": "array", "description": description, "items": ref(item), **limits}


def ref(name: str) -> dict[str, str]:
    """Refer to another schema."""
    return {"$ref": f"#/components/schemas/{name}"}
