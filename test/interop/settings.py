"""Settings of a bucket that nobody set, CORS, ACLs and versions with boto3's defaults. Prints one line a step; raises on any unexpected result."""

import os
import sys

import boto3
from botocore.exceptions import ClientError

bucket = sys.argv[1]
s3 = boto3.client("s3", region_name=os.environ.get("AWS_REGION", "us-east-1"))
s3.create_bucket(Bucket=bucket, ACL="private")

unset = {
    "get_bucket_policy": "NoSuchBucketPolicy",
    "get_bucket_policy_status": "NoSuchBucketPolicy",
    "get_bucket_tagging": "NoSuchTagSet",
    "get_bucket_cors": "NoSuchCORSConfiguration",
    "get_bucket_lifecycle_configuration": "NoSuchLifecycleConfiguration",
    "get_bucket_encryption": "ServerSideEncryptionConfigurationNotFoundError",
    "get_object_lock_configuration": "ObjectLockConfigurationNotFoundError",
    "get_bucket_website": "NoSuchWebsiteConfiguration",
    "get_bucket_replication": "ReplicationConfigurationNotFoundError",
    "get_public_access_block": "NoSuchPublicAccessBlockConfiguration",
    "get_bucket_ownership_controls": "OwnershipControlsNotFoundError",
}
for name, code in unset.items():
    try:
        getattr(s3, name)(Bucket=bucket)
        raise AssertionError(name)
    except ClientError as error:
        assert error.response["Error"]["Code"] == code, (name, error)
for name in [
    "get_bucket_notification_configuration",
    "get_bucket_logging",
    "get_bucket_accelerate_configuration",
    "get_bucket_versioning",
    "get_bucket_location",
]:
    getattr(s3, name)(Bucket=bucket)
assert s3.get_bucket_request_payment(Bucket=bucket)["Payer"] == "BucketOwner"
for name in ["policy", "tagging", "cors", "lifecycle", "encryption", "website", "replication", "ownership_controls"]:
    getattr(s3, f"delete_bucket_{name}")(Bucket=bucket)
s3.delete_public_access_block(Bucket=bucket)
s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={})
s3.put_bucket_logging(Bucket=bucket, BucketLoggingStatus={})
s3.put_bucket_request_payment(Bucket=bucket, RequestPaymentConfiguration={"Payer": "BucketOwner"})
print("what is not set")

rules = [
    {
        "ID": "app",
        "AllowedOrigins": ["https://*.example"],
        "AllowedMethods": ["GET", "PUT"],
        "AllowedHeaders": ["*"],
        "ExposeHeaders": ["ETag"],
        "MaxAgeSeconds": 60,
    }
]
s3.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": rules})
assert s3.get_bucket_cors(Bucket=bucket)["CORSRules"] == rules
s3.delete_bucket_cors(Bucket=bucket)
print("CORS")

for acl in ["private", "public-read", "bucket-owner-full-control"]:
    s3.put_object(Bucket=bucket, Key="a", Body=b"x", ACL=acl)
s3.copy_object(Bucket=bucket, Key="b", CopySource={"Bucket": bucket, "Key": "a"}, ACL="public-read")
for of in [{"Bucket": bucket}, {"Bucket": bucket, "Key": "a"}]:
    kind = "object" if "Key" in of else "bucket"
    got = getattr(s3, f"get_{kind}_acl")(**of)
    assert [grant["Permission"] for grant in got["Grants"]] == ["FULL_CONTROL"], got
    put = getattr(s3, f"put_{kind}_acl")
    put(**of, ACL="private")
    put(**of, AccessControlPolicy={"Owner": got["Owner"], "Grants": got["Grants"]})
    try:
        put(**of, GrantRead='uri="http://acs.amazonaws.com/groups/global/AllUsers"')
        raise AssertionError("granted")
    except ClientError as error:
        assert error.response["Error"]["Code"] == "AccessControlListNotSupported", error
print("ACLs")

pages = s3.get_paginator("list_object_versions").paginate(Bucket=bucket, PaginationConfig={"PageSize": 1})
versions = [item for page in pages for item in page.get("Versions", [])]
assert [(item["Key"], item["VersionId"], item["IsLatest"]) for item in versions] == [
    ("a", "null", True),
    ("b", "null", True),
], versions
s3.delete_objects(
    Bucket=bucket,
    Delete={"Objects": [{"Key": item["Key"], "VersionId": item["VersionId"]} for item in versions]},
)
s3.delete_bucket(Bucket=bucket)
print("versions")
