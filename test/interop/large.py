"""Sends and fetches an object of 300 MiB in one request each, and compares the hashes."""

import hashlib
import os
import sys

import boto3

s3 = boto3.client("s3", region_name=os.environ.get("AWS_REGION", "us-east-1"))
piece = os.urandom(1 << 20)
with open(sys.argv[1], "wb") as file:
    for _ in range(300):
        file.write(piece)
wanted = hashlib.sha256(piece * 300).hexdigest()

s3.create_bucket(Bucket="large-bucket")
with open(sys.argv[1], "rb") as file:
    s3.put_object(Bucket="large-bucket", Key="large", Body=file)
got = hashlib.sha256()
for chunk in s3.get_object(Bucket="large-bucket", Key="large")["Body"].iter_chunks(1 << 20):
    got.update(chunk)
assert got.hexdigest() == wanted
print("300 MiB there and back")
