"""Property values between the wire and the checkpoint."""

from typing import Any

from google.protobuf import json_format, struct_pb2  # type: ignore[import-untyped]
from pulumi.runtime.rpc import UNKNOWN, _special_secret_sig, _special_sig_key

from sandbox.engine.refusals import Refusal

Properties = dict[str, Any]

__all__ = ["UNKNOWN", "Properties", "has_unknown", "read_struct", "write_struct"]


def read_struct(struct: struct_pb2.Struct, *, keeps_nulls: bool = False) -> Properties:
    """Return the properties of a message as plain values: whole numbers as int, null members of maps left out."""
    return {
        key: _plain(key, value, keeps_nulls=keeps_nulls)
        for key, value in json_format.MessageToDict(struct).items()
        if keeps_nulls or value is not None
    }


def write_struct(properties: Properties) -> struct_pb2.Struct:
    """Return plain values as a message."""
    struct = struct_pb2.Struct()
    struct.update(properties)
    return struct


def has_unknown(value: Any) -> bool:
    """Tell whether a value, at any depth, is known only after an update."""
    if isinstance(value, dict):
        return any(map(has_unknown, value.values()))
    if isinstance(value, list):
        return any(map(has_unknown, value))
    return bool(value == UNKNOWN)


def _plain(path: str, value: Any, *, keeps_nulls: bool) -> Any:
    if isinstance(value, dict):
        if _special_sig_key in value:
            what = "secret" if value[_special_sig_key] == _special_secret_sig else "asset, archive or reference"
            raise Refusal(f"the rehearsal keeps no {what}: property {path!r}")
        members = value.items() if keeps_nulls else [(key, inner) for key, inner in value.items() if inner is not None]
        return {key: _plain(f"{path}.{key}", inner, keeps_nulls=keeps_nulls) for key, inner in members}
    if isinstance(value, list):
        return [_plain(path, inner, keeps_nulls=keeps_nulls) for inner in value]
    # From here on JSON writes a number with an exponent.
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e21:  # noqa: PLR2004
        return int(value)
    return value
