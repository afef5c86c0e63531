"""The headers of Arrow messages: what their buffers take, and that damage is told, not followed."""

from types import SimpleNamespace

import pyarrow as pa

from ccflow_etl.codecs.arrow_sizes import message_size


def messages(table: pa.Table, **options: object) -> list[pa.ipc.Message]:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema, options=pa.ipc.IpcWriteOptions(**options)) as writer:
        writer.write_table(table)
    return list(pa.ipc.MessageReader.open_stream(sink.getvalue()))


def test_a_message_says_what_its_buffers_take():
    table = pa.table({"a": ["x" * 100_000] * 3, "b": [1, 2, None]})
    for options in ({}, {"compression": "zstd"}, {"compression": "lz4"}):
        schema, batch = messages(table, **options)
        assert message_size(schema) == 0
        assert table.nbytes <= message_size(batch) <= table.nbytes + 1_000


def test_a_dictionary_is_a_message_of_its_own():
    table = pa.table({"a": pa.DictionaryArray.from_arrays(pa.array([0, 0]), pa.array(["y" * 50_000]))})
    _, dictionary, batch = messages(table, compression="zstd")
    assert message_size(dictionary) >= 50_000
    assert message_size(batch) < 1_000


def test_damage_to_a_message_is_told_or_bounds_what_is_read():
    table = pa.table({"a": ["x" * 1_000] * 3, "b": [1, 2, None]})
    for message in messages(table, compression="zstd"):
        header, told = message.metadata.to_pybytes(), 0
        for place in range(len(header) * 8):
            damaged = bytearray(header)
            damaged[place // 8] ^= 1 << place % 8
            try:
                assert message_size(SimpleNamespace(metadata=bytes(damaged), body=message.body)) >= 0
            except ValueError as error:
                told += "message" in str(error) or "buffer" in str(error)
        assert told
