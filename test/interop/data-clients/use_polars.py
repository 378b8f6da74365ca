"""polars: Parquet written to and scanned from S3. It has no deletion. Without keys in the environment it asks sts-cli for them."""

import json
import os
import subprocess
from datetime import datetime

import polars
from steps import bucket, run

pieces = 1 << 20


def renew():
    said = json.loads(subprocess.check_output(["sts-cli", "credential-process", *os.environ["STS_CLI_FLAGS"].split()]))
    keys = {"aws_access_key_id": said["AccessKeyId"], "aws_secret_access_key": said["SecretAccessKey"]}
    expiry = int(datetime.fromisoformat(said["Expiration"]).timestamp())
    return {**keys, "aws_session_token": said["SessionToken"]}, expiry


provider = "auto" if "AWS_SESSION_TOKEN" in os.environ else renew


def write(key, content):
    rows = [content[at : at + pieces] for at in range(0, len(content), pieces)]
    polars.DataFrame({"content": rows}).write_parquet(f"s3://{bucket}/{key}", compression="uncompressed", credential_provider=provider)


def read(key):
    return b"".join(polars.scan_parquet(f"s3://{bucket}/{key}", credential_provider=provider).collect()["content"])


def list_keys():
    scan = polars.scan_parquet(f"s3://{bucket}/**/*", include_file_paths="path", credential_provider=provider)
    return [path.removeprefix(f"s3://{bucket}/") for path in scan.select("path").unique().collect()["path"]]


run(write, read, list_keys)
