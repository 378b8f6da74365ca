"""The everyday operations of an application with boto3's defaults. Prints one line a step; raises on any unexpected result."""

import os
import sys
import urllib.request

import boto3
import urllib3
from botocore.config import Config
from botocore.exceptions import ClientError

bucket = sys.argv[1]
s3 = boto3.client("s3", region_name=os.environ.get("AWS_REGION", "us-east-1"))
big = os.urandom(1 << 20) * 12

s3.create_bucket(Bucket=bucket)
s3.put_object(Bucket=bucket, Key="small one+ü.txt", Body=b"Hello", Metadata={"colour": "blue"})
got = s3.get_object(Bucket=bucket, Key="small one+ü.txt")
assert got["Body"].read() == b"Hello" and got["Metadata"] == {"colour": "blue"}, got
print("put and get")

with open(sys.argv[2], "wb") as file:
    file.write(big)
s3.upload_file(sys.argv[2], bucket, "big")
head = s3.head_object(Bucket=bucket, Key="big")
assert head["ContentLength"] == len(big) and "-" in head["ETag"], head
s3.download_file(bucket, "big", sys.argv[2] + ".back")
with open(sys.argv[2] + ".back", "rb") as file:
    assert file.read() == big
print("multipart put and get of 12 MiB")

assert s3.get_object(Bucket=bucket, Key="big", Range="bytes=5-9")["Body"].read() == big[5:10]
print("range")

pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, PaginationConfig={"PageSize": 1})
assert [item["Key"] for page in pages for item in page["Contents"]] == ["big", "small one+ü.txt"]
print("list in pages")

url = s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "small one+ü.txt"}, ExpiresIn=60)
with urllib.request.urlopen(url) as answer:
    assert answer.read() == b"Hello"
print("presigned get")

s3v4 = boto3.client("s3", region_name=s3.meta.region_name, config=Config(signature_version="s3v4"))
for client in [s3, s3v4]:
    form = client.generate_presigned_post(
        bucket,
        "forms/${filename}",
        Fields={"Content-Type": "text/plain", "success_action_status": "201"},
        Conditions=[{"Content-Type": "text/plain"}, {"success_action_status": "201"}, ["content-length-range", 1, 13 << 20]],
        ExpiresIn=60,
    )
    for name, content in {"small": b"by a form", "big": big}.items():
        answer = urllib3.request("POST", form["url"], fields={**form["fields"], "file": (name, content)})
        assert answer.status == 201 and f"<Key>forms/{name}</Key>".encode() in answer.data, answer.data
        got = s3.get_object(Bucket=bucket, Key=f"forms/{name}")
        assert got["Body"].read() == content and got["ContentType"] == "text/plain", got
        s3.delete_object(Bucket=bucket, Key=f"forms/{name}")
    for fields, content in [({"key": "other/${filename}"}, b"x"), ({"acl": "private"}, b"x"), ({}, b"")]:
        answer = urllib3.request("POST", form["url"], fields={**form["fields"], **fields, "file": ("small", content)})
        assert answer.status in (400, 403) and b"<Code>" in answer.data, answer.data
print("upload form")

try:
    s3.put_object(Bucket=bucket, Key="big", Body=b"x", IfNoneMatch="*")
    raise AssertionError("an existing key was overwritten")
except ClientError as error:
    assert error.response["Error"]["Code"] == "PreconditionFailed", error
print("conditional put refused")

s3.copy_object(Bucket=bucket, Key="copy", CopySource={"Bucket": bucket, "Key": "big"})
s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": key} for key in ["big", "copy", "small one+ü.txt"]]})
assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0
s3.delete_bucket(Bucket=bucket)
print("copy, multi-delete and delete of the bucket")

identity = boto3.client("sts", region_name="us-east-1").get_caller_identity()
assert identity["Arn"].startswith("arn:"), identity
print("get-caller-identity")
