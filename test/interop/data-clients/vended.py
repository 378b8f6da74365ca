"""What the credentials of one table can do, with PyIceberg, pyarrow and plain requests. Prints one line of JSON; raises on any unexpected result.

vended.py URI WAREHOUSE          the credentials are those that an Iceberg REST catalog vends with a table
vended.py --policy FILE LOCATION the program asks the STS itself, with the key of the environment and a session policy for the table
"""

import json
import os
import sys
import tempfile
from urllib.parse import urlsplit

import boto3
import pyarrow
from botocore.config import Config
from botocore.exceptions import ClientError
from pyarrow import fs
from pyiceberg.catalog.rest import RestCatalog
from pyiceberg.catalog.sql import SqlCatalog

endpoint = os.environ["AWS_ENDPOINT_URL_S3"]
rows = pyarrow.table({"id": [1, 2, 3]})


def main():
    if sys.argv[1] == "--policy":
        orders, others = create_by_policy(*sys.argv[2:])
    else:
        orders, others = create_by_catalog(*sys.argv[1:])
    vended = orders.io.properties
    assert vended["s3.session-token"], "the catalog vended nothing"
    said = {"rows": orders.scan().to_arrow().num_rows, "inside": [], "denied": []}
    keys = {
        "aws_access_key_id": vended["s3.access-key-id"],
        "aws_secret_access_key": vended["s3.secret-access-key"],
        "aws_session_token": vended["s3.session-token"],
    }
    try_pyarrow(said, keys, orders, others)
    try_requests(said, keys, orders, others)
    try_pyiceberg(said, orders, others)
    print(json.dumps(said))


def create_by_catalog(uri, warehouse):
    """Creates two tables at a catalog. It vends the credentials of each with the table."""
    catalog = RestCatalog("rest", uri=uri, warehouse=warehouse)
    # Nessie's warehouses share their namespaces.
    names = [(warehouse, name) for name in ("orders", "others")]
    catalog.create_namespace(warehouse)
    for name in names:
        catalog.create_table(name, schema=rows.schema).append(rows)
    return [catalog.load_table(name) for name in names]


def create_by_policy(policy_file, location):
    """Creates two tables, with the credentials for each that a catalog would vend."""
    with open(policy_file, encoding="utf8") as file:
        template = file.read()
    folder = tempfile.mkdtemp()
    return [create_table(template, folder, f"{location}/sales/{name}", name) for name in ("orders", "others")]


def create_table(template, folder, location, name):
    bucket, prefix = split(location)
    policy = template.replace("BUCKET", bucket).replace("PREFIX", prefix)
    sts = boto3.client("sts")
    answer = sts.assume_role(RoleArn="arn:aws:iam::000000000000:role/catalog", RoleSessionName=name, Policy=policy)
    keys = answer["Credentials"]
    properties = {
        "s3.endpoint": endpoint,
        "s3.region": "us-east-1",
        "s3.access-key-id": keys["AccessKeyId"],
        "s3.secret-access-key": keys["SecretAccessKey"],
        "s3.session-token": keys["SessionToken"],
    }
    catalog = SqlCatalog(name, uri=f"sqlite:///{folder}/{name}.db", **properties)
    catalog.create_namespace("sales")
    catalog.create_table(f"sales.{name}", schema=rows.schema, location=location).append(rows)
    return catalog.load_table(f"sales.{name}")


def split(location):
    parts = urlsplit(location)
    return parts.netloc, parts.path.strip("/")


def try_pyarrow(said, keys, orders, others):
    names = {"access_key": "aws_access_key_id", "secret_key": "aws_secret_access_key", "session_token": "aws_session_token"}
    store = fs.S3FileSystem(
        **{name: keys[key] for name, key in names.items()}, endpoint_override=endpoint, region="us-east-1", allow_bucket_creation=False
    )
    inside, outside = orders.location().removeprefix("s3://"), others.location().removeprefix("s3://")
    for at in (inside, outside):
        passes(said, at == inside, "pyarrow write", lambda at=at: write(store, f"{at}/data/x"))
        passes(said, at == inside, "pyarrow list", lambda at=at: store.get_file_info(fs.FileSelector(f"{at}/data")))
    passes(said, True, "pyarrow read", lambda: store.open_input_file(f"{inside}/data/x").read())
    path = others.metadata_location.removeprefix("s3://")
    passes(said, False, "pyarrow read", lambda: store.open_input_file(path).read())


def write(store, path):
    with store.open_output_stream(path) as stream:
        stream.write(b"x" * 100)


def try_requests(said, keys, orders, others):
    settings = Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1})
    s3 = boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1", config=settings, **keys)
    bucket, inside = split(orders.location())
    _, outside = split(others.location())
    key = split(orders.metadata_location)[1]
    other = split(others.metadata_location)[1]
    # As DuckDB reads a file: its size, and then its end.
    passes(said, True, "head", lambda: s3.head_object(Bucket=bucket, Key=key))
    passes(said, True, "range", lambda: s3.get_object(Bucket=bucket, Key=key, Range="bytes=-8")["Body"].read())
    passes(said, True, "list", lambda: s3.list_objects_v2(Bucket=bucket, Prefix=f"{inside}/"))
    passes(said, True, "delete", lambda: s3.delete_object(Bucket=bucket, Key=f"{inside}/data/x"))
    denied = {
        "head": lambda: s3.head_object(Bucket=bucket, Key=other),
        "range": lambda: s3.get_object(Bucket=bucket, Key=other, Range="bytes=-8"),
        "list": lambda: s3.list_objects_v2(Bucket=bucket, Prefix=f"{outside}/"),
        "list of the namespace": lambda: s3.list_objects_v2(Bucket=bucket, Prefix=f"{inside.rsplit('/', 1)[0]}/"),
        "list of the bucket": lambda: s3.list_objects_v2(Bucket=bucket),
        "put": lambda: s3.put_object(Bucket=bucket, Key=other, Body=b"x"),
        "put beside the prefix": lambda: s3.put_object(Bucket=bucket, Key=f"{inside}-2/x", Body=b"x"),
        "copy from outside": lambda: s3.copy_object(Bucket=bucket, Key=f"{inside}/copy", CopySource={"Bucket": bucket, "Key": other}),
        "delete": lambda: s3.delete_object(Bucket=bucket, Key=other),
        "tags": lambda: s3.get_object_tagging(Bucket=bucket, Key=other),
        "policy of the bucket": lambda: s3.get_bucket_policy(Bucket=bucket),
        "create a bucket": lambda: s3.create_bucket(Bucket="another"),
    }
    for name, request in denied.items():
        passes(said, False, name, request)
    # All at once fails object by object.
    refused = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": other}]})
    assert [error["Code"] for error in refused["Errors"]] == ["AccessDenied"], refused
    sts = boto3.client("sts", region_name="us-east-1", **keys)
    renew = {"RoleArn": "arn:aws:iam::000000000000:role/catalog", "RoleSessionName": "more"}
    passes(said, False, "credentials without the session policy", lambda: sts.assume_role(**renew))


def try_pyiceberg(said, orders, others):
    passes(said, True, "pyiceberg append", lambda: orders.append(rows))
    said["rows after append"] = orders.refresh().scan().to_arrow().num_rows
    path = others.metadata_location
    passes(said, False, "pyiceberg read", lambda: orders.io.new_input(path).open().read())


def passes(said, is_allowed, name, step):
    """Runs a step and keeps its name. Raises if it was not allowed as expected, or failed otherwise."""
    try:
        step()
    except (ClientError, OSError) as error:
        code = error.response["Error"]["Code"] if isinstance(error, ClientError) else str(error)
        is_denied = code in ("AccessDenied", "403") or "ACCESS_DENIED" in code or "AccessDenied" in code
        assert is_denied and not is_allowed, f"{name}: {code}"
        said["denied"].append(name)
    else:
        assert is_allowed, f"{name} was allowed"
        said["inside"].append(name)


main()
