"""Structs of our own in the description of the interface: a large answer is encoded as it is, and described as if it were a model."""

from __future__ import annotations

import inspect
import types
from functools import cache
from typing import Any, Union, get_args, get_origin, get_type_hints

import msgspec
from fastapi.responses import Response
from pydantic import BaseModel, Field, create_model

_ENCODER = msgspec.json.Encoder(decimal_format="string")


def json_of(answer: msgspec.Struct, status: int = 200) -> Response:
    """A struct as the JSON of an answer: quantities as strings, times in ISO 8601."""
    return Response(_ENCODER.encode(answer), status, media_type="application/json")


@cache
def model_of(struct: type[msgspec.Struct]) -> type[BaseModel]:
    """The model that describes a struct: the same names, the same types, the same words."""
    hints = get_type_hints(struct)
    fields: dict[str, Any] = {
        field.name: (_described(hints[field.name]), Field(alias=field.encode_name))
        for field in msgspec.structs.fields(struct)
    }
    words = inspect.cleandoc(struct.__doc__ or "").replace("``", "`")
    return create_model(struct.__name__, __doc__=words, __module__=struct.__module__, **fields)


def _described(hint: Any) -> Any:
    """A type with the structs in it turned into models."""
    origin = get_origin(hint)
    if origin is None:
        return model_of(hint) if isinstance(hint, type) and issubclass(hint, msgspec.Struct) else hint
    inside = tuple(_described(one) for one in get_args(hint))
    if origin in (Union, types.UnionType):
        return Union[inside]  # noqa: UP007 - made of what is found, not written down
    if origin is tuple:
        return list[inside[0]]  # type: ignore[valid-type]
    return origin[inside]
