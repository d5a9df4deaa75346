"""Dockerfile and compose.yaml: safe as they are written, and what they run runs."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
import yaml

from tests.browser.server import free_port

ROOT = Path(__file__).resolve().parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
SERVICES = COMPOSE["services"]
TOKEN = "c3" * 16
#: Of `make lint-image`, or the system's.
HADOLINT = shutil.which(
    "hadolint", path=f"{ROOT / '.venv-tools/bin'}{os.pathsep}{os.environ['PATH']}"
)


def instructions(name):
    joined = DOCKERFILE.replace("\\\n", " ")
    return re.findall(rf"^{name} (.*)$", joined, re.M)


def test_the_image_is_of_one_that_is_not_root_and_has_no_secrets():
    assert instructions("USER")[-1].isdecimal()
    assert int(instructions("USER")[-1]) > 0
    names = re.findall(r"(\w+)=", " ".join(instructions("ENV") + instructions("ARG")))
    assert [name for name in names if re.search("SECRET|PASSWORD|TOKEN|KEY|DSN", name)] == []
    assert "/live" in instructions("HEALTHCHECK")[0]
    everything, *taken = (ROOT / ".dockerignore").read_text().split("\n*\n", 1)[1].split()
    paths = [line[1:] for line in (everything, *taken) if line.startswith("!")]
    assert not {".", ".env", ".git", "var"} & set(paths)
    assert [path for path in paths if not list(ROOT.glob(path))] == []


def test_the_services_name_what_there_is():
    page = (ROOT / "docs/reference/settings.md").read_text(encoding="utf-8")
    settings = set(re.findall(r"^\| `([A-Z_]+)`", page, re.M))
    site = SERVICES["web"]["environment"]
    assert set(site) <= settings
    for name, service in SERVICES.items():
        assert set(service.get("depends_on", ())) <= set(SERVICES)
        for volume in service.get("volumes", ()):
            source = volume.partition(":")[0]
            assert source.startswith("/") or source in COMPOSE["volumes"]
        for key, value in service.get("environment", {}).items():
            if re.search("SECRET|PASSWORD|URL", key):
                assert "${" in value, f"{name} has {key} in the file"
    assert [SERVICES[name]["deploy"]["replicas"] for name in ("web", "worker")] == [2, 2]
    assert SERVICES["web"]["read_only"] is True
    assert "/ready" in SERVICES["web"]["healthcheck"]["test"][-1]
    major = re.match(r"postgres:(\d+)", SERVICES["database"]["image"])[1]
    assert f"postgresql-client-{major}=" in DOCKERFILE  # pg_dump of an older one refuses
    assert int(SERVICES["web"]["stop_grace_period"][:-1]) > int(site["STOP_SECONDS"])


@pytest.mark.skipif(not HADOLINT, reason="hadolint is not installed")
def test_a_linter_has_nothing_to_say_of_the_dockerfile():
    run = subprocess.run([HADOLINT, ROOT / "Dockerfile"], capture_output=True, text=True)
    assert (run.returncode, run.stdout) == (0, "")


# What they run --------------------------------------------------------------------------


class Site:
    """The processes of the services, without containers, on the tests' kind of database."""

    def __init__(self, house, stack):
        self.house, self.stack = house, stack
        self.environment = house.environment | {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "ALLOWED_HOSTS": "127.0.0.1",
            "BEHIND_PROXY": "on",
            "HTTPS": "on",
            "LOG_FORMAT": "json",
            "METRICS_TOKEN": TOKEN,
        }

    def run(self, service):
        command = SERVICES[service].get("command") or json.loads(instructions("CMD")[-1])
        subprocess.run(command, cwd=ROOT, env=self.environment, check=True, timeout=120)

    def start(self, service, name, **variables):
        command = SERVICES[service].get("command") or json.loads(instructions("CMD")[-1])
        with (self.house.folder / name).open("wb") as log:
            process = subprocess.Popen(
                command, cwd=ROOT, env=self.environment | variables, stdout=log, stderr=log
            )
        self.stack.callback(process.wait, 60)
        self.stack.callback(process.terminate)
        return process

    def lines(self, name):
        text = (self.house.folder / name).read_text()
        return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


@contextmanager
def proxy(folder, ports, *, more=""):
    """The proxy of compose.yaml before these servers, without TLS; its address.

    more: lines of its configuration.
    """
    if not shutil.which("nginx"):
        yield f"http://127.0.0.1:{ports[0]}"
        return
    port = free_port()
    text = COMPOSE["configs"]["proxy"]["content"].replace("$$", "$")
    text = text.replace("listen 8443 ssl;", f"listen 127.0.0.1:{port}; {more}")
    text = text.replace("listen 8080", f"listen 127.0.0.1:{free_port()}")
    text = re.sub(r" *ssl_.*\n", "", text).replace("/dev/stdout", f"{folder}/access.log")
    text = text.replace("/dev/stderr", f"{folder}/error.log")
    servers = " ".join(f"server 127.0.0.1:{each};" for each in ports)
    text = text.replace("server web:8000 resolve;", servers)
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temporary = "".join(f"{kind}_temp_path {folder}/{kind};" for kind in kinds)
    user = "user root;" if os.geteuid() == 0 else ""
    (folder / "nginx.conf").write_text(
        f"{user} daemon off; pid {folder}/nginx.pid; events {{}} http {{ {temporary}\n{text} }}"
    )
    process = subprocess.Popen(
        ["nginx", "-e", folder / "nginx.log", "-c", folder / "nginx.conf"],
        stdout=subprocess.DEVNULL,
    )
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)


def get(address, **headers):
    # After a reload requests wait until the new processes have loaded the code: long, where the
    # machine is busy with other tests. One that is lost is never answered.
    request = urllib.request.Request(address, headers=headers)  # noqa: S310
    with urllib.request.urlopen(request, timeout=90) as answer:  # noqa: S310
        return answer.status, answer.headers, answer.read().decode()


def wait_until(condition, seconds=120):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if condition():
                return
        except OSError:
            pass
        time.sleep(0.3)
    raise AssertionError("It did not come to that.")


@pytest.mark.skipif(not shutil.which("nginx"), reason="nginx is not installed")
def test_the_log_of_the_proxy_has_no_query_and_no_token(tmp_path):
    """Nobody answers behind it, which is an error."""
    port = free_port()
    with proxy(tmp_path, [port]) as address:
        wait_until(lambda: (tmp_path / "nginx.pid").exists())
        for path in ("/admin/sign-in/link/s3cret/", "/admin/library/patron/?q=Fry"):
            with pytest.raises(urllib.error.HTTPError):
                get(address + path)
    told = (tmp_path / "access.log").read_text()
    assert re.findall(r'"GET (\S+)" 502 \d+ (\S+)', told) == [
        ("/admin/sign-in/link/-", f"127.0.0.1:{port}"),
        ("/admin/library/patron/", f"127.0.0.1:{port}"),
    ]
    errors = "".join(each.read_text() for each in tmp_path.glob("*.log"))
    assert "s3cret" not in errors
    assert "Fry" not in errors


@pytest.mark.slow
def test_two_web_servers_and_two_workers_behind_the_proxy(house, libraries):
    with ExitStack() as stack:
        site = Site(house, stack)
        site.run("prepare")
        ports = [free_port(), free_port()]
        webs = [
            site.start("web", f"web{port}", BIND=f"127.0.0.1:{port}", HTTPS="on")
            for port in ports
        ]
        workers = [site.start("worker", f"worker{n}") for n in range(2)]
        for port in ports:
            wait_until(lambda port=port: get(f"http://127.0.0.1:{port}/ready")[0] == 200)
        with proxy(house.folder, ports) as address:
            sent, failures, done = [], [], threading.Event()
            has_proxy = str(ports[0]) not in address

            def visit():
                headers = {"X-Request-ID": "forged", "X-Forwarded-For": "6.6.6.6"}
                if not has_proxy:
                    headers["X-Forwarded-Proto"] = "https"
                while not done.is_set():
                    try:
                        status, answer, _text = get(f"{address}/admin/login/?q=Fry", **headers)
                        assert status == 200
                        sent.append(answer["X-Request-ID"])
                    except Exception as error:
                        failures.append(error)

            wait_until(lambda: get(f"{address}/live")[0] == 200)
            visitors = [threading.Thread(target=visit) for _ in range(3)]
            for each in visitors:
                each.start()
            pk = house.start_import(libraries)
            workers[0].send_signal(signal.SIGKILL)  # pages do not notice
            for web in webs:
                time.sleep(2)
                web.send_signal(signal.SIGHUP)
            time.sleep(6)
            wait_until(lambda: house.state(pk, apply=False)[0] == "checked", 180)
            done.set()
            for each in visitors:
                each.join()
        assert failures == []
        assert len(sent) > 20
        logged = [
            line
            for port in ports
            for line in site.lines(f"web{port}")
            if line.get("path") == "/admin/login/"
        ]
        assert sorted(line["request"] for line in logged) == sorted(sent)
        if has_proxy:
            assert len(set(sent)) == len(sent)
            assert {line["address"] for line in logged} == {"127.0.0.1"}
        assert any(line.get("job") == pk for line in site.lines("worker1"))
        counts = [
            re.search(
                r'request_seconds_count\{method="GET",page="admin:login",status="200"\} (\S+)',
                get(f"http://127.0.0.1:{port}/metrics", Authorization=f"Bearer {TOKEN}")[2],
            )
            for port in ports
        ]
        assert sum(float(found[1]) for found in counts if found) == len(sent)
