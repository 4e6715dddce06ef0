"""Parts of the contract that the descriptions of several routes use."""

from typing import Any

from api.schemas import EXAMPLES

Json = dict[str, Any]


def ok(description: str, schema: str) -> Json:
    """Describe an answer in JSON, with the example of its schema."""
    content = {"schema": {"$ref": f"#/components/schemas/{schema}"}, "example": EXAMPLES[schema]}
    return {
        "description": description,
        "headers": answer_headers(),
        "content": {"application/json": content},
    }


def answer_headers() -> Json:
    """Describe the headers of every answer."""
    return {"X-Request-Id": {"$ref": "#/components/headers/RequestId"}}
