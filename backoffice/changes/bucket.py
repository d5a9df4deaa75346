"""The bucket that IMPORTS_BUCKET names, on S3 or what speaks like it; by django-storages."""

from typing import Any

from django.conf import settings
from storages.backends.s3 import Config, S3Storage

SPOOLED = 5_000_000  # bytes of a file that is read, before it goes to the disk
TRIES, CONNECT, ANSWER = 3, 3, 30  # seconds


class Bucket(S3Storage):
    """It takes boto3's own ways to credentials, and no settings but ours.

    No ACL is sent: without one a file is its owner's alone, and buckets that have ACLs turned
    off, as new ones have, refuse any.
    """

    def get_default_settings(self) -> dict[str, Any]:
        own = {"addressing_style": "path"} if settings.IMPORTS_BUCKET_ENDPOINT else {}
        config = Config(
            s3=own,
            connect_timeout=CONNECT,
            read_timeout=ANSWER,
            retries={"total_max_attempts": TRIES},
            # What speaks like S3 need not know the checksums that are sent by default.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        )
        ours = {
            "bucket_name": settings.IMPORTS_BUCKET,
            "client_config": config,
            "endpoint_url": settings.IMPORTS_BUCKET_ENDPOINT or None,
            "location": settings.IMPORTS_BUCKET_PREFIX,
            "max_memory_size": SPOOLED,
            "region_name": settings.IMPORTS_BUCKET_REGION or None,
        }
        none = dict.fromkeys(("access_key", "secret_key", "security_token", "default_acl"))
        return {**super().get_default_settings(), **none, **ours}

    def url(self, *args: Any, **kwargs: Any) -> str:
        raise NotImplementedError("Uploads have no addresses.")
