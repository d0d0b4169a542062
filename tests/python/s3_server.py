"""An S3 server on a free port of 127.0.0.1, with the buckets `plain` and `locked`.

Prints its address as one line, then serves until its standard input ends, so that it never outlives
the test that started it. Only `locked` has Object Lock.
"""

import sys
import threading

import boto3
from flask import request
from moto.s3.models import S3Backend
from moto.s3.responses import S3Response
from moto.server import ThreadedMotoServer

begin_upload = S3Backend.create_multipart_upload
end_upload = S3Backend.complete_multipart_upload


def begin_upload_with_lock(self, *args, **kwargs):
    """S3 takes the lock of an upload in parts from the request that begins it; moto forgets it."""
    upload = begin_upload(self, *args, **kwargs)
    names = ["x-amz-object-lock-mode", "x-amz-object-lock-retain-until-date"]
    upload.lock = [request.headers.get(name) for name in names]
    return upload


def end_upload_with_lock(self, bucket_name, multipart_id, body):
    lock = self.get_bucket(bucket_name).multiparts[multipart_id].lock
    key = end_upload(self, bucket_name, multipart_id, body)
    if key is not None:
        key.lock_mode, key.lock_until = lock
    return key


put_object = S3Response.put_object
one_at_a_time = threading.Lock()


def put_object_in_one_step(self):
    """S3 looks and writes in one step; moto's two steps let two threads create the same object."""
    with one_at_a_time:
        return put_object(self)


S3Response.put_object = put_object_in_one_step
S3Backend.create_multipart_upload = begin_upload_with_lock
S3Backend.complete_multipart_upload = end_upload_with_lock

server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
server.start()
host, port = server.get_host_and_port()
address = f"http://{host}:{port}"
client = boto3.client(
    "s3",
    endpoint_url=address,
    aws_access_key_id="test",
    aws_secret_access_key="test",
    region_name="us-east-1",
)
client.create_bucket(Bucket="plain")
client.create_bucket(Bucket="locked", ObjectLockEnabledForBucket=True)
print(address, flush=True)
sys.stdin.read()
server.stop()
