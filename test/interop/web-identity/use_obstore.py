"""obstore (Rust's object_store) with its defaults: it finds the token's file and the role in the environment."""

import obstore
from obstore.store import S3Store
from steps import bucket, run

store = S3Store(bucket)

run(
    lambda key, content: obstore.put(store, key, content),
    lambda key: bytes(obstore.get(store, key).bytes()),
    lambda: [meta["path"] for page in obstore.list(store) for meta in page],
    lambda key: obstore.delete(store, key),
)
