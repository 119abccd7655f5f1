"""What tests of the index have in common: chunks made of a few words, and an object storage on loopback."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator
from contextlib import contextmanager

import boto3
from moto.server import ThreadedMotoServer

from gateway.retrieval.types import Chunk
from gateway.settings.schema import KnowledgeBase

BUCKET = "documents"


def chunk(document: str, ordinal: int, text: str, *, category: str = "general", content_hash: str = "1") -> Chunk:
    """A chunk whose indexed text is ``text``."""
    text_hash = hashlib.sha256(text.encode()).hexdigest()[:32]
    return Chunk(
        id=hashlib.sha256(f"{document} {ordinal} {text_hash}".encode()).hexdigest()[:32],
        document=document,
        ordinal=ordinal,
        title=document,
        heading="",
        text=text,
        indexed=text,
        source=f"shared/{document}",
        document_type="markdown",
        category=category,
        content_hash=content_hash,
        text_hash=text_hash,
    )


class Storage:
    """An object storage with one bucket."""

    def __init__(self, endpoint: str) -> None:
        self.options = {
            "endpoint": endpoint,
            "allow_http": "true",
            "aws_access_key_id": "test-id",
            "aws_secret_access_key": "test-secret",
            "region": "us-east-1",
        }

    def settings(self, prefix: str, *, refresh_seconds: float = 0.05) -> KnowledgeBase:
        """For an index of its own."""
        return KnowledgeBase(
            store=f"s3://{BUCKET}/{prefix}", storage_options=self.options, refresh_seconds=refresh_seconds
        )


@contextmanager
def storage() -> Iterator[Storage]:
    """S3's API on a free port of loopback."""
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        found = Storage(f"http://{host}:{port}")
        client = boto3.client(
            "s3",
            endpoint_url=found.options["endpoint"],
            region_name="us-east-1",
            aws_access_key_id="test-id",
            aws_secret_access_key="test-secret",
        )
        client.create_bucket(Bucket=BUCKET)
        client.close()
        yield found
    finally:
        server.stop()
