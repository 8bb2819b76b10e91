"""What public runners of MLPerf Tiny know of a model by its id: the form of its inputs, and of its results."""

from __future__ import annotations

import re
from typing import Literal

from tinynas.deploy import Model
from tinynas.errors import ConfigError

__all__ = ["check_model_id", "public_defines"]

Form = Literal["int8", "uint8", "float32"]
#: By mlcommons/tiny's reference submissions (th_load_tensor of each); any other id: int8.
_FORMS: dict[str, Form] = {"ad01": "float32", "ic01": "uint8", "ic02": "uint8", "vww01": "uint8", "kws01": "int8"}
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,30}")


def check_model_id(model_id: str, where: str = "--model-id") -> str:
    """A model's id as it is.

    Args:
        model_id: What runners look their script up by.
        where: The option, for the error.

    Raises:
        ConfigError: It is no such word.

    Example:
        >>> check_model_id("kws01")
        'kws01'
    """
    if not _ID.fullmatch(model_id):
        advice = f"letters, digits, _, . and -: {', '.join(_FORMS)}, or one of your own"
        raise ConfigError(f"{model_id!r} is no id of a model", where=where, advice=advice)
    return model_id


def public_defines(model_id: str, model: Model) -> tuple[str, ...]:
    """What an image is compiled with so that public runners can drive it.

    Args:
        model_id: See `check_model_id`.
        model: An int8 model.

    Raises:
        ConfigError: It is no id, or the model is none of this id's kind.
    """
    check_model_id(model_id)
    form = _FORMS.get(model_id, "int8")
    name = f'DUT_MODEL_ID="{model_id}"'
    if form == "int8":
        return (name,)
    if form == "uint8":
        return (name, "DUT_INPUT_UINT8")
    source, target = model.input, model.output
    if source.size_bytes != target.size_bytes:
        what = f"{model_id} is a reconstruction, with as many outputs as inputs: not {target.size_bytes} of"
        raise ConfigError(f"{what} {source.size_bytes}", where="--model-id", advice="leave the id out")
    assert source.quantization is not None
    scale, zero = source.quantization.scale[0], source.quantization.zero_point[0]
    return (name, "DUT_INPUT_FLOAT32", f"DUT_INPUT_SCALE={scale:.9e}f", f"DUT_INPUT_ZERO=({zero})")
