"""pyarrow writes, reads and copies large objects: `pyarrow_large.py BUCKET MIB-TO-WRITE MIB-TO-COPY`. Prints the steps as JSON."""

import hashlib
import json
import os
import sys

from pyarrow import fs

bucket, to_write, to_copy = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
s3 = fs.S3FileSystem(endpoint_override=os.environ["AWS_ENDPOINT_URL_S3"])
piece = os.urandom(1 << 20)


def write(name, mebibytes):
    wanted = hashlib.sha256()
    with s3.open_output_stream(f"{bucket}/{name}") as stream:
        for at in range(mebibytes):
            part = at.to_bytes(8, "big") + piece[8:]
            stream.write(part)
            wanted.update(part)
    return wanted.hexdigest()


def read(name):
    got = hashlib.sha256()
    with s3.open_input_stream(f"{bucket}/{name}") as stream:
        while part := stream.read(1 << 20):
            got.update(part)
    return got.hexdigest()


said = {"written": write("large", to_write) == read("large")}
wanted = write("source", to_copy)
s3.copy_file(f"{bucket}/source", f"{bucket}/copy")
said["copied"] = read("copy") == wanted
for name in ["large", "source", "copy"]:
    s3.delete_file(f"{bucket}/{name}")
said["left"] = [info.path for info in s3.get_file_info(fs.FileSelector(bucket))]
print(json.dumps(said))
