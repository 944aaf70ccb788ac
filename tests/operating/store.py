"""A real HTTP server that speaks S3, from moto."""

from __future__ import annotations

import logging
from typing import Any

import boto3
from moto.server import ThreadedMotoServer

from tests.portal import free_port

KEY, SECRET = "testing", "testing-secret"


class Store:
    """One bucket on one server."""

    bucket = "edgeportal"

    def __init__(self) -> None:
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        port = free_port()
        self.address = f"http://127.0.0.1:{port}"
        self._server = ThreadedMotoServer(port=port, verbose=False)
        self._server.start()
        self.client: Any = boto3.client("s3", endpoint_url=self.address, aws_access_key_id=KEY, aws_secret_access_key=SECRET,
                                        region_name="us-east-1")
        self.client.create_bucket(Bucket=self.bucket)

    def options(self) -> dict[str, Any]:
        return {"bucket_name": self.bucket, "endpoint_url": self.address, "access_key": KEY, "secret_key": SECRET,
                "region_name": "us-east-1"}

    def environment(self) -> dict[str, str]:
        return {"OBJECT_STORE_BUCKET": self.bucket, "OBJECT_STORE_ENDPOINT": self.address, "OBJECT_STORE_KEY": KEY,
                "OBJECT_STORE_SECRET": SECRET}

    def names(self, prefix: str = "") -> list[str]:
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix)
        return [one["Key"] for page in pages for one in page.get("Contents", ())]

    def put(self, name: str, body: bytes) -> None:
        self.client.put_object(Bucket=self.bucket, Key=name, Body=body)

    def empty(self) -> None:
        for name in self.names():
            self.client.delete_object(Bucket=self.bucket, Key=name)

    def stop(self) -> None:
        self._server.stop()
