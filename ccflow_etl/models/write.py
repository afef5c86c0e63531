"""Writing a payload to a file."""

from typing import Literal

from ccflow import CallableModel, ContextBase, ResultBase
from pydantic import Field

from ..codecs.codec import CacheFormat, PayloadCodec
from ..stores.atomic import write_atomic
from ..stores.text_path import TextPath
from .flow import flow_call
from .payloads import Payload, PayloadContext


class WriteContext(ContextBase):
    """What to write and where; a subclass declares its target and its payload.

    >>> class TopicContext(WriteContext):
    ...     topic: str
    >>> TopicContext(topic="closes").topic
    'closes'
    """


class WriteResult(ResultBase):
    """What became of a write; a subclass adds where it went.

    >>> WriteResult(status="upserted").status
    'upserted'
    """

    status: Literal["written", "exists", "updated", "upserted"] = Field(
        description="`exists` when the target was there already and was left as it is."
    )

    def _repr_html_(self) -> str:
        from .cards import write_card

        return write_card(self).html()


class WriteModel(CallableModel):
    """The base of models that write one payload: a ``WriteContext`` in, a ``WriteResult`` out.

    >>> from ccflow_etl import LocalWriteModel
    >>> issubclass(LocalWriteModel, WriteModel)
    True
    """


class LocalWriteContext(PayloadContext, WriteContext):
    """A payload and the file it goes to. The payload is shared, not copied.

    >>> LocalWriteContext(path="stats.json", payload={"words": 3}).overwrite
    False
    """

    path: TextPath = Field(description="The file, used as it is; missing parent folders are made.")
    payload: Payload = Field(description="What to write; the model's format must be able to keep it.")
    overwrite: bool = Field(False, description="Replace an existing file instead of leaving it as it is.")


class LocalWriteResult(WriteResult):
    """The file and whether it was written.

    >>> LocalWriteResult(path="stats.json", status="written").status
    'written'
    """

    path: TextPath = Field(description="The file.")
    status: Literal["written", "exists"] = Field(
        description="`exists` when the file was there already and was left as it is."
    )


class LocalWriteModel(WriteModel):
    """Writes a payload to a local file, whole or not at all.

    An existing file is left alone unless the context says ``overwrite``, and survives any failure: a payload that
    the format cannot take, a full disk, a killed process.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     context = LocalWriteContext(path=f"{folder}/stats.json", payload={"words": 3})
    ...     model = LocalWriteModel(format="json")
    ...     model(context).status, model(context).status, context.path.read_text()
    ('written', 'exists', '{"words":3}')
    """

    format: CacheFormat = Field("json", description="The format to write, for example parquet or [json, gzip].")

    # A write is an effect: a caching evaluator must not answer for it.
    @flow_call(volatile=True)
    def __call__(self, context: LocalWriteContext) -> LocalWriteResult:  # type: ignore[override]  # of any context in ccflow
        """Write the payload.

        Raises:
            PayloadEncodeError: If the format cannot keep the payload exactly.
            OSError: If the file cannot be written, or ``path`` is a folder.
        """
        if not context.overwrite and context.path.is_file():
            return LocalWriteResult(path=context.path, status="exists")
        data = PayloadCodec(format=self.format).encode(context.payload)
        written = write_atomic(context.path, data, overwrite=context.overwrite)
        return LocalWriteResult(path=context.path, status="written" if written else "exists")
