"""The steps that each data client goes through. Prints one line of JSON; raises on any unexpected result.

PROGRAM BUCKET FILE          write a small object and FILE, read both, list, delete the small one, list again
PROGRAM BUCKET FILE SECONDS  the same for small objects, with the same client for so many seconds, and three times at least
"""

import hashlib
import json
import sys
import time

bucket, file = sys.argv[1:3]
small = "some folder/small+ü"


def run(write, read, list_keys, delete=None):
    """Runs the steps with a client's four functions. Keys are relative to the bucket; a client without `delete` keeps what it wrote."""
    if len(sys.argv) > 3:
        said = {"rounds": outlive(float(sys.argv[3]), write, read, list_keys, delete)}
    else:
        said = once(write, read, list_keys, delete)
    print(json.dumps(said))


def once(write, read, list_keys, delete):
    with open(file, "rb") as opened:
        big = opened.read()
    write(small, b"Hello, World")
    write("kept/big", big)
    said = {"read": [sha256(read(small)), sha256(read("kept/big"))], "listed": sorted(list_keys())}
    if delete:
        delete(small)
        said["left"] = sorted(list_keys())
    return said


def outlive(seconds, write, read, list_keys, delete):
    end = time.monotonic() + seconds
    rounds = 0
    while rounds < 3 or time.monotonic() < end:
        key, content = f"round-{rounds}", b"x" * (rounds + 1)
        write(key, content)
        assert read(key) == content
        assert any(key in listed for listed in list_keys())
        if delete:
            delete(key)
        rounds += 1
        time.sleep(0.25)
    return rounds


def sha256(content):
    return hashlib.sha256(content).hexdigest()
