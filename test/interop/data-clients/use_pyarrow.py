"""pyarrow's S3FileSystem with its defaults, but for the endpoint: it reads that of no variable."""

import os

from pyarrow import fs
from steps import bucket, run

s3 = fs.S3FileSystem(endpoint_override=os.environ["AWS_ENDPOINT_URL_S3"])


def write(key, content):
    with s3.open_output_stream(f"{bucket}/{key}") as stream:
        stream.write(content)


def read(key):
    with s3.open_input_file(f"{bucket}/{key}") as stream:
        return stream.read()


def list_keys():
    found = s3.get_file_info(fs.FileSelector(bucket, recursive=True))
    return [info.path.removeprefix(f"{bucket}/") for info in found if info.is_file]


run(write, read, list_keys, lambda key: s3.delete_file(f"{bucket}/{key}"))
