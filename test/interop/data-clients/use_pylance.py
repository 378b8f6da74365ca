"""pylance: datasets, each in its own folder of the bucket."""

import lance
import pyarrow
from steps import bucket, run

pieces = 1 << 20
written = {}


def write(key, content):
    rows = [content[at : at + pieces] for at in range(0, len(content), pieces)]
    lance.write_dataset(pyarrow.table({"content": pyarrow.array(rows, pyarrow.binary())}), f"s3://{bucket}/{key}")
    written[key] = True


def read(key):
    return b"".join(lance.dataset(f"s3://{bucket}/{key}").to_table()["content"].to_pylist())


def list_keys():
    return [key for key in written for _fragment in lance.dataset(f"s3://{bucket}/{key}").get_fragments()]


def delete(key):
    lance.LanceDataset.drop(f"s3://{bucket}/{key}")
    del written[key]


run(write, read, list_keys, delete)
