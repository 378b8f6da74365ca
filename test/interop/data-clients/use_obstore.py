"""obstore (Rust's object_store). It reads keys from the environment; boto3 gives it those that a profile renews."""

import os
from datetime import timedelta

import boto3
import obstore
from obstore.auth.boto3 import Boto3CredentialProvider
from obstore.store import S3Store
from steps import bucket, run

options = {}
if "AWS_SESSION_TOKEN" not in os.environ:
    # By default the keys are used for half an hour, whatever their own lifetime.
    options["credential_provider"] = Boto3CredentialProvider(boto3.Session(), ttl=timedelta(seconds=1))
store = S3Store(bucket, **options)


def read(key):
    return bytes(obstore.get(store, key).bytes())


def list_keys():
    return [meta["path"] for page in obstore.list(store) for meta in page]


run(lambda key, content: obstore.put(store, key, content, chunk_size=8 << 20), read, list_keys, lambda key: obstore.delete(store, key))
