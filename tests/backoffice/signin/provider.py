"""A small provider of OpenID Connect on loopback: everybody who comes is signed in at once."""

import base64
import hashlib
import json
import secrets
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

CLIENT, SECRET = "library", "the client's secret"


class Provider:
    """`claims` and `person` change what its tokens and its page of the person say."""

    def __init__(self):
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.claims, self.person = {}, {"email": "ann@example.org", "email_verified": True}
        self.signs_with = self.key
        self.asked = {}  # what was asked for, by code
        self.url = ""

    def authorize(self, query):
        code = secrets.token_hex(8)
        self.asked[code] = query
        back = urlencode({"code": code, "state": query["state"]})
        return f"{query['redirect_uri']}?{back}"

    def token(self, form):
        """None if the code, the secret or the proof of PKCE is wrong."""
        asked = self.asked.pop(form.get("code"), None)
        verifier = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        proof = base64.urlsafe_b64encode(verifier).decode().rstrip("=")
        if asked is None or form.get("client_secret") != SECRET:
            return None
        if asked["code_challenge_method"] != "S256" or asked["code_challenge"] != proof:
            return None
        claims = {
            "iss": self.url,
            "aud": CLIENT,
            "sub": "1",
            "nonce": asked["nonce"],
            "iat": int(time.time()),
            "exp": int(time.time()) + 60,
        }
        claims = {k: v for k, v in (claims | self.claims).items() if v is not None}
        signed = jwt.encode(claims, self.signs_with, "RS256", headers={"kid": "1"})
        return {"id_token": signed, "access_token": "access", "token_type": "Bearer"}

    def keys(self):
        key = json.loads(RSAAlgorithm.to_jwk(self.key.public_key()))
        return {"keys": [key | {"kid": "1", "alg": "RS256"}]}


@contextmanager
def run_provider():
    provider = Provider()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            parts = urlsplit(self.path)
            if parts.path == "/authorize":
                query = {k: v[0] for k, v in parse_qs(parts.query).items()}
                self.send_response(302)
                self.send_header("Location", provider.authorize(query))
                self.end_headers()
            elif parts.path == "/userinfo":
                self.say({"sub": "1"} | provider.person)
            else:
                self.say(provider.keys())

        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            form = {k: v[0] for k, v in parse_qs(body).items()}
            answer = provider.token(form)
            self.say(answer or {"error": "invalid_grant"}, 200 if answer else 400)

        def say(self, content, status=200):
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps(content).encode())

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    provider.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()
