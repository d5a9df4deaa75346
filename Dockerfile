# The image of the web server and of the worker; compose.yaml runs both. It has no settings and
# no secrets: these come from the environment.
FROM python:3.11-slim-bookworm

# requirements-sso.txt has single sign-on too, requirements-watch.txt metrics and Sentry,
# requirements-s3.txt uploads in a bucket, requirements-rq.txt a queue on Redis.
ARG REQUIREMENTS=requirements.txt
ENV BIND=0.0.0.0:8000 \
    DATA_DIR=/data \
    PYTHONUNBUFFERED=1
WORKDIR /srv/library

# pg_dump and pg_restore, for manage.py backup: of compose.yaml's PostgreSQL.
RUN apt-get update \
    && apt-get install --no-install-recommends --yes postgresql-client-15=15.* \
    && rm -rf /var/lib/apt/lists/*
COPY requirements*.txt ./
RUN pip install --no-cache-dir --require-hashes -r "$REQUIREMENTS"
COPY . .
RUN python -m compileall -q backoffice library \
    && useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin library \
    && install -d -m 700 -o library -g library /data

USER 10001
VOLUME /data
EXPOSE 8000
HEALTHCHECK --start-period=30s CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/live', timeout=5)"]
CMD ["python", "-m", "gunicorn", "backoffice.wsgi"]
