# The project's commands; `make` without a target lists them.
#
# All paths are relative and all tools are started as `python -m`, so that the checkout may be
# moved, and may be in a folder whose name contains blanks.

PORT ?= 8000
export PORT
# The environment is made with the first of these that is 3.11 or newer.
PYTHON = python3 python3.13 python3.12 python3.11 python
VENV = .venv
# What VENV is made of; requirements.txt alone is what the site runs with.
REQUIREMENTS = requirements-dev.txt
FIXTURES = tutorial roles demo
ROWS = 1000000

python = $(VENV)/bin/python
installed = $(VENV)/.installed
is_new_enough = import sys; sys.exit(sys.version_info < (3, 11))
port_is_free = import socket; socket.create_server(("127.0.0.1", $(PORT))).close()
# The settings of a server behind TLS; `check --deploy` checks the others.
production = DEBUG=off HTTPS=on BEHIND_PROXY=on SECRET_KEY= \
	SECOND_FACTOR_ROLES=superusers,Administrator ALLOWED_HOSTS=library.example.org CSRF_TRUSTED_ORIGINS=https://library.example.org

.DEFAULT_GOAL = help
.DELETE_ON_ERROR:
.PHONY: help run test test-slow test-postgres test-pool test-rq test-bucket test-next messages query-counts bench bench-pages lint types check clean
.PHONY: requirements audit sbom docs screenshots lint-image

help: ## List the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-14s %s\n", $$1, $$2 }' Makefile

run: export DEBUG = off
run: export HTTPS = off
run: $(installed) ## Serve the admin at http://127.0.0.1:8000/admin/ with demo data (PORT= changes it)
	@$(python) -c '$(port_is_free)' 2>/dev/null || { echo \
		"Port $(PORT) of 127.0.0.1 is taken, or is no port. Choose another: make run PORT=8001" >&2; \
		exit 1; }
	@$(python) manage.py migrate --verbosity 0
	@$(python) manage.py collectstatic --no-input --verbosity 0
	@$(python) manage.py demo $(FIXTURES)
	@exec $(python) manage.py serve

test: $(installed) ## Run the tests, on SQLite or on the database of DATABASE_URL (ARGS= go to pytest)
	$(python) -m pytest -n auto -m "not slow" $(ARGS)

test-slow: $(installed) ## Run the slow tests: killed workers, restarted databases, the benchmarks' own
	$(python) -m pytest -n auto -m slow $(ARGS)

# Without autovacuum, statistics change only when a test changes them.
test-postgres: $(installed) ## Run the tests on a throw-away PostgreSQL, the slow ones too
	POSTGRES_OPTIONS="-c autovacuum=off" .ci/with-postgres $(python) -m pytest -n auto $(ARGS)

# Its databases go with the server: PgBouncer would hold them while they are dropped. The slow
# tests are of files and rules, whatever the database: ARGS="-m ''" runs them too.
pooled = tests/faults/test_pool.py tests/backoffice/imports tests/backoffice/jobs
stored = tests/faults/test_storage.py tests/backoffice/imports tests/backoffice/jobs tests/backoffice/admin/changes tests/backoffice/admin/records tests/backoffice/erasure tests/backoffice/backups
test-pool: $(installed) ## Run the tests of imports through a PgBouncer that lends connections for a transaction
	POSTGRES_OPTIONS="-c autovacuum=off" .ci/with-postgres .ci/with-pgbouncer \
		$(python) -m pytest -n auto -m "not slow" --reuse-db $(pooled) $(ARGS)

# The tests of killed workers, and of a killed Redis, take both queues by themselves.
test-rq: $(installed) ## Run the tests of imports and jobs with the queue on a throw-away Redis
	.ci/with-redis $(python) -m pytest -n auto -m "not slow" tests/backoffice/jobs tests/backoffice/imports $(ARGS)

# Each step of each test is on a machine that has no file yet.
test-bucket: $(installed) ## Run the tests of imports with uploads in a bucket of a small S3 server
	$(python) .ci/with_s3.py $(python) -m pytest -n auto -m "not slow" $(stored) $(ARGS)

test-next: ## Run the tests on the newest Django that the Python takes, in an environment of its own
	@$(MAKE) --no-print-directory VENV=.venv-next .venv-next/.installed
	.venv-next/bin/python -m pip install -q --disable-pip-version-check --upgrade Django
	.venv-next/bin/python -m pytest -n auto --ignore=tests/browser --ignore=tests/test_makefile.py $(ARGS)

messages: $(installed) ## Bring locale/ up to date with the texts in the code, and compile it
	$(python) .ci/messages.py

query-counts: $(installed) ## Write tests/backoffice/admin/query_counts.json anew: how many statements each page takes
	WRITE_QUERY_COUNTS=1 $(python) -m pytest -q tests/backoffice/admin/test_queries.py -k written_down

bench: $(installed) ## Measure imports and exports, write benchmarks/RESULTS.md (ROWS=100000 for a quick one, ARGS=exports for those alone)
	.ci/with-postgres $(python) -m benchmarks --rows $(ROWS) $(ARGS)

bench-pages: $(installed) ## Measure every page at 1,000 and at ROWS rows, into benchmarks/RESULTS.md
	.ci/with-postgres $(python) -m benchmarks.pages --rows $(ROWS) $(ARGS)

lint: $(installed) ## Check style, layout, types and layers of the code
	$(python) -m ruff check
	$(python) -m ruff format --check
	$(python) -m mypy
	$(VENV)/bin/lint-imports

types: $(installed) ## Check the types (one package: .venv/bin/mypy backoffice/readers)
	$(python) -m mypy

lint-image: ## Check the Dockerfile
	@$(tools)
	.venv-tools/bin/hadolint Dockerfile

check: $(installed) ## Check the settings of a deployment, the migrations and the static files
	@set -eu; scratch=$$(mktemp -d); trap 'rm -rf "$$scratch"' EXIT; \
	export DATA_DIR="$$scratch" DATABASE_URL="sqlite:///$$scratch/db.sqlite3" $(production); \
	set -x; \
	$(python) manage.py check --deploy --fail-level WARNING; \
	$(python) manage.py makemigrations --check --dry-run; \
	$(python) manage.py collectstatic --no-input --verbosity 0

# The packages are listed in pyproject.toml; the tools that work on that list have an environment
# of their own. What is in the files already stays as it is, unless ARGS= says otherwise.
tools = $(MAKE) --no-print-directory VENV=.venv-tools REQUIREMENTS=requirements-tools.txt \
	.venv-tools/.installed
compile = .venv-tools/bin/uv pip compile --quiet --universal --python-version 3.11 \
	--no-strip-extras --generate-hashes --custom-compile-command "make requirements" $(ARGS)

requirements: ## Write requirements*.txt from the lists in pyproject.toml (ARGS= go to uv: --upgrade-package idna)
	@$(tools)
	$(compile) pyproject.toml -o requirements.txt
	$(compile) pyproject.toml --extra sso -c requirements.txt -o requirements-sso.txt
	$(compile) pyproject.toml --extra watch -c requirements.txt -o requirements-watch.txt
	$(compile) pyproject.toml --extra s3 -c requirements.txt -o requirements-s3.txt
	$(compile) pyproject.toml --extra rq -c requirements.txt -c requirements-s3.txt -o requirements-rq.txt
	$(compile) pyproject.toml --all-extras --group dev -c requirements-sso.txt -c requirements-watch.txt -c requirements-s3.txt -c requirements-rq.txt -o requirements-dev.txt
	$(compile) --group docs -o requirements-docs.txt
	$(compile) --group tools -o requirements-tools.txt

audit: ## Look up known vulnerabilities of the packages
	@$(tools)
	@.venv-tools/bin/python .ci/audit.py requirements-sso.txt requirements-watch.txt requirements-s3.txt requirements-rq.txt requirements-dev.txt requirements-docs.txt \
		requirements-tools.txt

docs: ## Build the site of docs/ into site/
	@$(MAKE) --no-print-directory VENV=.venv-docs REQUIREMENTS=requirements-docs.txt .venv-docs/.installed
	NO_MKDOCS_2_WARNING=1 .venv-docs/bin/python -m mkdocs build --strict --quiet

screenshots: $(installed) ## Take the pictures in docs/images anew, with Chromium
	$(python) -m tests.browser.screenshots

sbom: ## Write sbom.json: the packages that the site runs with, their licences and what needs what (CycloneDX)
	@$(tools)
	@set -eu; scratch=$$(mktemp -d); trap 'rm -rf "$$scratch"' EXIT; set -x; \
	.venv-tools/bin/uv venv --quiet --python .venv-tools/bin/python "$$scratch"; \
	.venv-tools/bin/uv pip sync --quiet --require-hashes --python "$$scratch" requirements.txt; \
	.venv-tools/bin/cyclonedx-py environment --pyproject pyproject.toml --output-reproducible \
		--output-file sbom.json "$$scratch"

clean: ## Remove the environments and caches; the data in var/ stays
	rm -rf $(VENV) .venv-next .venv-tools .venv-docs site sbom.json .pytest_cache .ruff_cache .mypy_cache .hypothesis .coverage .coverage.* htmlcov
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(installed): requirements.txt $(REQUIREMENTS)
	@if [ -L $(VENV) ]; then \
		echo "$(VENV) is a link to another checkout's environment: install $(REQUIREMENTS) there" >&2; \
		exit 1; \
	fi
	@for python in $(PYTHON); do \
		if "$$python" -c '$(is_new_enough)' 2>/dev/null; then \
			set -e; \
			echo "Installing what $(REQUIREMENTS) names into $(VENV) (half a minute)"; \
			$(python) -c '$(is_new_enough)' 2>/dev/null || "$$python" -m venv --clear $(VENV); \
			$(python) -m pip install -qq --disable-pip-version-check \
				--require-hashes -r $(REQUIREMENTS); \
			touch $@; \
			exit 0; \
		fi; \
	done; \
	echo "Python 3.11 or newer is needed; none of these is: $(PYTHON)." \
		"Name one: make PYTHON=/path/to/python3" >&2; \
	exit 1
