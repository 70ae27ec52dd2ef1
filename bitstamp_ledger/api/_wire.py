"""JSON from the exchange, without losing a digit."""

from decimal import Decimal
from typing import Final

import msgspec

_DECODER: Final = msgspec.json.Decoder(float_hook=Decimal)
_ENCODER: Final = msgspec.json.Encoder(decimal_format="number")


def parse_json(text: bytes | str) -> object:
    """Parse JSON; whole numbers become ints, others Decimals of the same digits.

    Raises:
        ValueError: it is not JSON.
    """
    try:
        return _DECODER.decode(text)
    except (msgspec.DecodeError, UnicodeError, ArithmeticError) as exc:
        raise ValueError(str(exc)) from exc
    except RecursionError as exc:
        raise ValueError("nested too deeply") from exc


def dump_json(value: object) -> bytes:
    """Write what `parse_json` returned; Decimals become numbers of the same text."""
    return _ENCODER.encode(value)
