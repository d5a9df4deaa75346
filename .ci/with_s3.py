"""python .ci/with_s3.py COMMAND…: runs COMMAND with uploads in a bucket of a small S3 server.

It is started for COMMAND and stopped after it.
"""

import os
import subprocess
import sys

import boto3
from moto.server import ThreadedMotoServer

if len(sys.argv) < 2:
    sys.exit("usage: python .ci/with_s3.py COMMAND…")
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
host, port = server.get_host_and_port()
own = {"AWS_ACCESS_KEY_ID": "tests", "AWS_SECRET_ACCESS_KEY": "tests"}
os.environ |= own | {
    "IMPORTS_BUCKET": "uploads",
    "IMPORTS_BUCKET_ENDPOINT": f"http://{host}:{port}",
    "IMPORTS_BUCKET_REGION": "us-east-1",
}
client = boto3.client(
    "s3", endpoint_url=os.environ["IMPORTS_BUCKET_ENDPOINT"], region_name="us-east-1"
)
client.create_bucket(Bucket="uploads")
try:
    sys.exit(subprocess.run(sys.argv[1:], check=False).returncode)
finally:
    server.stop()
