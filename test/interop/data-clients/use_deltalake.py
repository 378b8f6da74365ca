"""deltalake: tables, each in its own folder of the bucket. A table is deleted by deleting its rows, then the files of old versions."""

import pyarrow
from deltalake import DeltaTable, write_deltalake
from steps import bucket, run

pieces = 1 << 20
written = {}


def write(key, content):
    rows = [content[at : at + pieces] for at in range(0, len(content), pieces)]
    table = pyarrow.table({"at": list(range(len(rows))), "content": pyarrow.array(rows, pyarrow.binary())})
    write_deltalake(f"s3://{bucket}/{key}", table, mode="overwrite")
    written[key] = True


def read(key):
    table = DeltaTable(f"s3://{bucket}/{key}").to_pyarrow_table().sort_by("at")
    return b"".join(table["content"].to_pylist())


def list_keys():
    return [key for key in written for _file in DeltaTable(f"s3://{bucket}/{key}").file_uris()]


def delete(key):
    table = DeltaTable(f"s3://{bucket}/{key}")
    table.delete()
    removed = table.vacuum(retention_hours=0, dry_run=False, enforce_retention_duration=False)
    assert len(removed) > 0


run(write, read, list_keys, delete)
