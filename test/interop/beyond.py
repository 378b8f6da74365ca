"""Operations that the embedded store lacks: versions, tags, lifecycle, CORS, ACLs, encryption, locks. Raises on any unexpected result."""

import os

import boto3
from botocore.exceptions import ClientError

s3 = boto3.client("s3", region_name=os.environ.get("AWS_REGION", "us-east-1"))
bucket = "beyond-bucket"
s3.create_bucket(Bucket=bucket)

s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
assert s3.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"
first, second = (s3.put_object(Bucket=bucket, Key="k", Body=body)["VersionId"] for body in [b"one", b"two"])
assert s3.get_object(Bucket=bucket, Key="k", VersionId=first)["Body"].read() == b"one"
assert len(s3.list_object_versions(Bucket=bucket)["Versions"]) == 2
source = {"Bucket": bucket, "Key": "k", "VersionId": first}
s3.copy_object(Bucket=bucket, Key="copy", CopySource=source)
assert s3.get_object(Bucket=bucket, Key="copy")["Body"].read() == b"one"
print("versions")

s3.put_object_tagging(Bucket=bucket, Key="k", Tagging={"TagSet": [{"Key": "a", "Value": "b"}]})
assert s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == [{"Key": "a", "Value": "b"}]
s3.put_object(Bucket=bucket, Key="tagged", Body=b"x", Tagging="c=d")
assert s3.get_object_tagging(Bucket=bucket, Key="tagged")["TagSet"] == [{"Key": "c", "Value": "d"}]
print("tags")

rule = {"ID": "r", "Status": "Enabled", "Filter": {"Prefix": "tmp/"}, "Expiration": {"Days": 1}}
s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": [rule]})
assert s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"][0]["ID"] == "r"
s3.delete_bucket_lifecycle(Bucket=bucket)
cors = {"AllowedMethods": ["GET"], "AllowedOrigins": ["*"]}
s3.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": [cors]})
assert s3.get_bucket_cors(Bucket=bucket)["CORSRules"] == [cors]
by_default = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": [by_default]})
assert s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
print("lifecycle, CORS and encryption of a bucket")

s3.put_object_acl(Bucket=bucket, Key="k", ACL="public-read")
assert len(s3.get_object_acl(Bucket=bucket, Key="k")["Grants"]) == 2
print("ACLs")

versions = s3.list_object_versions(Bucket=bucket)["Versions"]
doomed = [{"Key": version["Key"], "VersionId": version["VersionId"]} for version in versions]
assert len(s3.delete_objects(Bucket=bucket, Delete={"Objects": doomed})["Deleted"]) == 4
s3.delete_bucket(Bucket=bucket)
print("multi-delete of versions")

s3.create_bucket(Bucket="lock-bucket", ObjectLockEnabledForBucket=True)
until = "2099-01-01T00:00:00Z"
lock = {"ObjectLockMode": "GOVERNANCE", "ObjectLockRetainUntilDate": until}
version = s3.put_object(Bucket="lock-bucket", Key="k", Body=b"x", **lock)["VersionId"]
try:
    s3.delete_object(Bucket="lock-bucket", Key="k", VersionId=version)
    raise AssertionError("a locked version was deleted")
except ClientError as error:
    assert error.response["Error"]["Code"] == "AccessDenied", error
print("locks")

try:
    s3.get_object(Bucket="no-such-bucket", Key="k")
    raise AssertionError("an object came from nowhere")
except ClientError as error:
    assert error.response["Error"]["Code"] == "NoSuchBucket", error
    assert error.response["ResponseMetadata"]["HTTPStatusCode"] == 404, error
print("errors")
