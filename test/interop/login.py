"""Writes and reads with the profile `minio` for longer than two lifetimes of its credentials, which boto3 renews by itself."""
import json
import sys
import time

import boto3

bucket, seconds = sys.argv[1], float(sys.argv[2])
session = boto3.Session(profile_name="minio")
s3 = session.client("s3")
credentials = session.get_credentials()
keys = []
ends = time.monotonic() + seconds
while time.monotonic() < ends:
    s3.put_object(Bucket=bucket, Key="from boto3", Body=b"Hello, World")
    assert s3.get_object(Bucket=bucket, Key="from boto3")["Body"].read() == b"Hello, World"
    keys.append(credentials.get_frozen_credentials().access_key)
    time.sleep(0.5)
arn = session.client("sts").get_caller_identity()["Arn"]
print(json.dumps({"keys": len(set(keys)), "arn": arn}))
