"""smart_open with its defaults; it leaves listing and deleting to boto3."""

import boto3
import smart_open
from steps import bucket, run

s3 = boto3.client("s3")


def write(key, content):
    with smart_open.open(f"s3://{bucket}/{key}", "wb", transport_params={"client": s3, "min_part_size": 8 << 20}) as stream:
        stream.write(content)


def read(key):
    with smart_open.open(f"s3://{bucket}/{key}", "rb", transport_params={"client": s3}) as stream:
        return stream.read()


def list_keys():
    return [found["Key"] for found in s3.list_objects_v2(Bucket=bucket).get("Contents", [])]


run(write, read, list_keys, lambda key: s3.delete_object(Bucket=bucket, Key=key))
