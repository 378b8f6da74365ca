"""minio-py's WebIdentityProvider, which asks a function for the token."""

import io
import os
from urllib.parse import urlsplit

from minio import Minio
from minio.credentials import WebIdentityProvider
from steps import bucket, run


def read_token():
    with open(os.environ["AWS_WEB_IDENTITY_TOKEN_FILE"], encoding="ascii") as file:
        return {"access_token": file.read().strip()}


provider = WebIdentityProvider(
    jwt_provider_func=read_token,
    sts_endpoint=os.environ["AWS_ENDPOINT_URL_STS"],
    role_arn=os.environ["AWS_ROLE_ARN"],
    role_session_name=os.environ.get("AWS_ROLE_SESSION_NAME"),
)
client = Minio(urlsplit(os.environ["AWS_ENDPOINT_URL_S3"]).netloc, credentials=provider, secure=False, region="us-east-1")


def read(key):
    answer = client.get_object(bucket_name=bucket, object_name=key)
    try:
        return answer.read()
    finally:
        answer.close()
        answer.release_conn()


run(
    lambda key, content: client.put_object(bucket_name=bucket, object_name=key, data=io.BytesIO(content), length=len(content)),
    read,
    lambda: [item.object_name for item in client.list_objects(bucket_name=bucket, recursive=True)],
    lambda key: client.remove_object(bucket_name=bucket, object_name=key),
)
