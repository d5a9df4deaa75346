"""A small S3 server, with a bucket that is the storage of uploads."""

import logging
import uuid
from contextlib import contextmanager

import boto3
import pytest
from django.core.files.storage import storages
from moto.server import ThreadedMotoServer

from backoffice.changes import files
from backoffice.changes.models import Change
from backoffice.jobs.review import Review

REGION = "us-east-1"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "tests", "AWS_SECRET_ACCESS_KEY": "tests"}
STORAGE = {"BACKEND": "backoffice.changes.bucket.Bucket"}


class S3:
    """A server on 127.0.0.1, with one bucket."""

    def __init__(self):
        logging.getLogger("werkzeug").setLevel(logging.WARNING)
        self.server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        self.server.start()
        self.endpoint = "http://{}:{}".format(*self.server.get_host_and_port())
        self.environment = CREDENTIALS | {
            "IMPORTS_BUCKET": "uploads",
            "IMPORTS_BUCKET_ENDPOINT": self.endpoint,
            "IMPORTS_BUCKET_REGION": REGION,
        }
        session = boto3.Session("tests", "tests", region_name=REGION)
        self.client = session.client("s3", endpoint_url=self.endpoint)
        self.client.create_bucket(Bucket="uploads")

    def listed(self):
        listed = self.client.list_objects_v2(Bucket="uploads")
        return [each["Key"] for each in listed.get("Contents", ())]

    def stop(self):
        self.server.stop()


@contextmanager
def alone():
    """A part of the bucket for one test, where `.ci/with_s3.py` has named one."""
    before = storages["imports"].location
    storages["imports"].location = uuid.uuid4().hex
    try:
        yield
    finally:
        storages["imports"].location = before


def forget_copies():
    """As on a machine that has none of the files."""
    for folder in files.root().iterdir() if files.root().is_dir() else ():
        for path in folder.iterdir():
            path.unlink()
        folder.rmdir()


@contextmanager
def always_elsewhere():
    """Each run and each review is on a machine that has none of the files."""
    take, init = Change.take, Review.__init__

    def taken(job, *args, **kwargs):
        forget_copies()
        take(job, *args, **kwargs)

    def begun(review, job):
        forget_copies()
        init(review, job)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Change, "take", taken)
        patch.setattr(Review, "__init__", begun)
        yield
