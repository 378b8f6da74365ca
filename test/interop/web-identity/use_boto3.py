"""boto3 with its defaults: it finds the token's file and the role in the environment."""

import boto3
from steps import bucket, run

s3 = boto3.client("s3")


def list_keys():
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket)
    return [item["Key"] for page in pages for item in page.get("Contents", [])]


run(
    lambda key, content: s3.put_object(Bucket=bucket, Key=key, Body=content),
    lambda key: s3.get_object(Bucket=bucket, Key=key)["Body"].read(),
    list_keys,
    lambda key: s3.delete_object(Bucket=bucket, Key=key),
)
