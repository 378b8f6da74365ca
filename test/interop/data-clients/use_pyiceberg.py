"""pyiceberg: a catalog in SQLite, tables in the bucket, by way of pyarrow."""

import os
import tempfile

import pyarrow
from pyiceberg.catalog.sql import SqlCatalog
from steps import bucket, run

pieces = 1 << 20
folder = tempfile.mkdtemp()
catalog = SqlCatalog(
    "tables", uri=f"sqlite:///{folder}/catalog.db", warehouse=f"s3://{bucket}", **{"s3.endpoint": os.environ["AWS_ENDPOINT_URL_S3"], "s3.region": "us-east-1"}
)
catalog.create_namespace("all")


def name(key):
    return "all", key.replace("/", "-")


def write(key, content):
    rows = [content[at : at + pieces] for at in range(0, len(content), pieces)]
    data = pyarrow.table({"at": list(range(len(rows))), "content": pyarrow.array(rows, pyarrow.binary())})
    table = catalog.create_table(name(key), schema=data.schema, properties={"write.parquet.compression-codec": "uncompressed"})
    table.append(data)


def read(key):
    table = catalog.load_table(name(key)).scan().to_arrow().sort_by("at")
    return b"".join(table["content"].to_pylist())


def list_keys():
    tables = [table for _namespace, table in catalog.list_tables("all")]
    return [table for table in tables if catalog.load_table(("all", table)).inspect.files().num_rows == 1]


run(write, read, list_keys, lambda key: catalog.purge_table(name(key)))
