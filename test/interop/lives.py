"""Uses boto3 with its defaults until it has seen four pairs of keys, and prints their number."""

import boto3

session = boto3.Session()
s3 = session.client("s3")
seen = set()
while len(seen) < 4:
    s3.list_buckets()
    seen.add(session.get_credentials().get_frozen_credentials().access_key)
print(len(seen))
