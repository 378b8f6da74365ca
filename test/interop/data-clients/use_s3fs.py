"""s3fs with its defaults."""

import s3fs
from steps import bucket, run

s3 = s3fs.S3FileSystem()


def write(key, content):
    with s3.open(f"{bucket}/{key}", "wb", block_size=8 << 20) as stream:
        stream.write(content)


def list_keys():
    s3.invalidate_cache()
    return [found.removeprefix(f"{bucket}/") for found in s3.find(bucket)]


run(write, lambda key: s3.cat_file(f"{bucket}/{key}"), list_keys, lambda key: s3.rm_file(f"{bucket}/{key}"))
