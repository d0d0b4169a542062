"""What an S3 server says of every version of every object below a prefix, as one JSON list.

Arguments: address, bucket, prefix. Of each version: key, lock mode, the date it is kept until, and
whether the server lets it be deleted. An object whose only version goes is gone.
"""

import json
import sys

import boto3
from botocore.exceptions import ClientError

address, bucket, prefix = sys.argv[1:]
client = boto3.client(
    "s3",
    endpoint_url=address,
    aws_access_key_id="test",
    aws_secret_access_key="test",
    region_name="us-east-1",
)


def address_of(version):
    named = {"Bucket": bucket, "Key": version["Key"]}
    # A bucket without versions calls its only one null, and moto knows no version of that name.
    return named if version["VersionId"] == "null" else named | {"VersionId": version["VersionId"]}


def is_deleted(version):
    try:
        client.delete_object(**address_of(version))
    except ClientError as error:
        if error.response["Error"]["Code"] == "AccessDenied":
            return False
        raise
    return True


found = []
for page in client.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=prefix):
    for version in page.get("Versions", []):
        head = client.head_object(**address_of(version))
        until = head.get("ObjectLockRetainUntilDate")
        found.append(
            {
                "key": version["Key"],
                "mode": head.get("ObjectLockMode"),
                "until": until and until.strftime("%Y-%m-%dT%H:%M:%SZ"),
                "is_deleted": is_deleted(version),
            }
        )
print(json.dumps(found))
