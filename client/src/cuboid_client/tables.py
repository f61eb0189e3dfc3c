"""Arrow streams as tables; each library is imported when it is used."""

from __future__ import annotations

import io
from typing import Any

from cuboid_client.errors import ClientError, CutOff


def arrow_table(content: bytes) -> Any:
    """A ``pyarrow.Table``."""
    try:
        import pyarrow.ipc  # type: ignore[import-untyped]
    except ImportError:
        raise ClientError("pyarrow is not installed: pip install cuboid-client[arrow]") from None
    try:
        return pyarrow.ipc.open_stream(content).read_all()
    except pyarrow.ArrowInvalid as error:
        raise CutOff(f"The answer is no complete Arrow stream: {error}") from None


def pandas_frame(content: bytes) -> Any:
    """A ``pandas.DataFrame``."""
    try:
        import pandas  # type: ignore[import-untyped]  # noqa: F401 - pyarrow makes the frame
    except ImportError:
        raise ClientError("pandas is not installed: pip install cuboid-client[pandas]") from None
    return arrow_table(content).to_pandas()


def polars_frame(content: bytes) -> Any:
    """A ``polars.DataFrame``."""
    try:
        import polars
    except ImportError:
        raise ClientError("polars is not installed: pip install cuboid-client[polars]") from None
    return polars.read_ipc_stream(io.BytesIO(content))
