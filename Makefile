# Two commands do everything: `make run` and `make test`. They need a POSIX system, Python 3.11+ and a
# package index.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
TOOLS_VENV := .venv-tools
TOOLS_BIN := $(TOOLS_VENV)/bin
WHEEL_VENV := .venv-wheel
WHEEL_BIN := $(WHEEL_VENV)/bin
# The vendor's newest SDK, which excludes the one among the tests' packages: where tests find it,
# also those that run in a copy of the tree.
SDK_VENV := .venv-sdk
export SDK_PYTHON := $(CURDIR)/$(SDK_VENV)/bin/python
# Tests wait more than they compute: five workers for two cores. A file's tests share what they have
# set up; those that take long stand among the first.
WORKERS ?= 5
IN_PARALLEL := --numprocesses=$(WORKERS) --dist=loadfile --no-loadscope-reorder
# What tests/kubernetes needs is built once for each set of versions, and kept outside of the clone.
CACHE := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/llamacloud-batch-exporter
KUBERNETES_TOOLS = $(CACHE)/kubernetes-$(shell \
	cat tests/kubernetes/tools/*.* tests/kubernetes/crds/*.yaml | sha256sum | cut -c1-16)
WITH_KUBERNETES_TOOLS = PATH="$(KUBERNETES_TOOLS)/bin:$$PATH" KUBERNETES_SCHEMAS="$(KUBERNETES_TOOLS)/schemas"
CHART := deploy/helm/llamacloud-batch-exporter
IMAGE ?= llamacloud-batch-exporter
IMAGE_BUILD ?= docker build
IMAGE_TOOL = $(firstword $(IMAGE_BUILD))
VERSION = $(shell sed -n 's/^__version__ = "\(.*\)"/\1/p' exporter/__init__.py)
REVISION = $(shell git describe --always --dirty --abbrev=40 --exclude='*')
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Tests start more than a hundred processes, which are not to compile the same sources each time.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: run test test-all test-python explore coverage soak test-wheel bench bench-test kubernetes-test kubernetes-tools cluster-test
.PHONY: lint tables dashboard chart lock image image-test systemd-test browser-test screenshot release

run: $(VENV)/.installed
	$(BIN)/llamacloud-batch-exporter $(if $(LLAMA_CLOUD_API_KEY)$(LLAMA_CLOUD_API_KEY_FILE),,--demo) $(ARGS)

# All but the slow tests: less than two minutes on two idle cores.
test: $(VENV)/.installed-test $(SDK_VENV)/.installed
	$(BIN)/pytest $(IN_PARALLEL) -m "not slow"

test-all: $(VENV)/.installed-test $(SDK_VENV)/.installed
	$(BIN)/pytest $(IN_PARALLEL)

# What may differ in another version of Python: `make test-python VENV=.venv-3.13 PYTHON=python3.13`.
test-python: $(VENV)/.installed-test $(SDK_VENV)/.installed
	$(BIN)/pytest $(IN_PARALLEL) -m "not slow and not deployment"

# The tests by properties, with so many times as many examples, and others in every run.
EXPLORE ?= 10
explore: $(VENV)/.installed-test
	EXPLORE=$(EXPLORE) $(BIN)/pytest -m hypothesis --timeout=3600 $(ARGS)

# All tests, and which lines and branches of exporter/ they reach, processes they start included.
coverage: $(VENV)/.installed-test $(SDK_VENV)/.installed
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest $(IN_PARALLEL)
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

# Minutes of random trouble with thousands of jobs; `make test-all` has a short form of it. The output
# tells the seed: `make soak SOAK="--seed 1"`.
soak: $(VENV)/.installed-test
	$(BIN)/python -m tests.soak $(SOAK)

# Fifty kills at random moments, with a state file; `make test-all` kills a few times.
restarts: $(VENV)/.installed-test
	KILLS=50 $(BIN)/pytest --timeout=900 tests/app/test_restarts.py -k kills

# What it costs, beside its peers: some twenty minutes on a quiet machine, or `make bench
# BENCH=rendering`; also scrapes, polls, footprint. Scrapes are made by wrk.
bench: $(VENV)/.installed-test
	$(BIN)/python -m tests.benchmarks $(BENCH)

# That the benchmarks work: short forms of them.
bench-test: $(VENV)/.installed-test
	$(BIN)/pytest tests/benchmarks

# The Helm chart and the Kustomize components, with Helm, Kustomize and Kubernetes's schemas.
kubernetes-test: $(VENV)/.installed-test kubernetes-tools
	$(WITH_KUBERNETES_TOOLS) $(BIN)/pytest $(IN_PARALLEL) tests/kubernetes --ignore=tests/kubernetes/cluster

# Builds those tools from Go modules, and prints their folder: minutes at first, nothing later.
kubernetes-tools: $(VENV)/.installed-test
	@PYTHON="$(CURDIR)/$(BIN)/python" tests/kubernetes/tools/install.sh "$(KUBERNETES_TOOLS)"
	@echo "$(KUBERNETES_TOOLS)/bin"

# The same in a real cluster, with its API server, controllers and scheduler: ten minutes of two cores to
# build it at first, half a minute later.
cluster-test: export CLUSTER_TOOLS = $(CACHE)/cluster-$(shell \
	cd tests/kubernetes/cluster && cat install.sh plane/* tools/* | sha256sum | cut -c1-16)
cluster-test: $(VENV)/.installed-test kubernetes-tools
	tests/kubernetes/cluster/install.sh "$$CLUSTER_TOOLS"
	REQUIRE_CLUSTER=1 PATH="$$CLUSTER_TOOLS/bin:$(KUBERNETES_TOOLS)/bin:$$PATH" \
		$(BIN)/pytest tests/kubernetes/cluster

# What may differ in the built wheel, such as a file that it lacks: in a copy of this tree that has no exporter/
# to import.
WHEEL_TESTS := tests/app tests/config tests/simulator tests/state tests/status_pages tests/web tests/web_config
test-wheel: $(WHEEL_VENV)/.installed-test $(SDK_VENV)/.installed
	rm -rf $(WHEEL_VENV)/wheel $(WHEEL_VENV)/tree
	$(WHEEL_BIN)/pip wheel --quiet --no-index --no-deps --no-build-isolation --wheel-dir $(WHEEL_VENV)/wheel .
	$(WHEEL_BIN)/pip install --quiet --no-index --no-deps --force-reinstall $(WHEEL_VENV)/wheel/*.whl
	mkdir $(WHEEL_VENV)/tree
	git ls-files -z --cached --others --exclude-standard -- . ':!exporter' | xargs -0 sh -c \
		'for file; do [ ! -e "$$file" ] || cp --parents --target-directory $(WHEEL_VENV)/tree "$$file"; done' sh
	cd $(WHEEL_VENV)/tree && ../bin/python -c 'import exporter, sys; print("Testing", exporter.__file__); \
		sys.exit("site-packages" not in exporter.__file__)' && ../bin/pytest $(IN_PARALLEL) -m "not slow" $(WHEEL_TESTS)

lint: $(TOOLS_VENV)/.installed $(VENV)/.installed-test
	$(TOOLS_BIN)/ruff format --check
	$(TOOLS_BIN)/ruff check
	$(TOOLS_BIN)/mypy --python-executable $(BIN)/python
	$(TOOLS_BIN)/lint-imports

# Writes the tables of the documentation, the metrics in openapi.yaml, the schema of the chart's values, and the pages
# that tests compare with, anew from the code.
tables: $(VENV)/.installed-test
	$(BIN)/python -m tests.docs.documentation_tables
	$(BIN)/python -m tests.docs.openapi_gauges
	$(BIN)/python -m tests.docs.values_schema
	$(BIN)/python -m tests.status_pages.golden_pages

# Writes the Grafana dashboard's JSON anew from its Python.
dashboard: $(VENV)/.installed-test
	PYTHONPATH=deploy/grafana $(BIN)/python -m batch_dashboard

# Writes the chart's README anew from its values, and all that `make tables` writes.
chart: tables kubernetes-tools
	$(WITH_KUBERNETES_TOOLS) helm-docs --log-level error --chart-search-root $(CHART)

# Names, versions and hashes only, resolved for the oldest Python that is supported.
lock: $(TOOLS_VENV)/.installed
	$(TOOLS_BIN)/pip-compile $(LOCK) --output-file requirements.lock pyproject.toml
	$(TOOLS_BIN)/pip-compile $(LOCK) --output-file requirements-build.lock \
		--only-build-deps --build-deps-for editable pyproject.toml
	for extra in test sdk tools; do $(TOOLS_BIN)/pip-compile $(LOCK) --constraint requirements.lock \
		--output-file requirements-$$extra.lock --extra $$extra pyproject.toml || exit; done

image:
	$(IMAGE_BUILD) --tag $(IMAGE) --build-arg VERSION=$(VERSION) --build-arg REVISION=$(REVISION) .
	@size=$$($(IMAGE_TOOL) images --format '{{.Size}}' $(IMAGE)) \
		&& echo "$(IMAGE), version $(VERSION): $${size:-not kept on this machine}"

# Builds the image with buildah and runs it with podman; `pytest -rs` tells what is missing for that.
image-test: $(VENV)/.installed-test
	$(BIN)/pytest tests/image

# Opens the pages in Chromium, and has axe look at them; `pytest -rs` tells what is missing for that.
browser-test: $(VENV)/.installed-test tests/browser/node_modules/.installed
	$(BIN)/pytest tests/browser

# Takes the picture of the status page anew, of the demo.
screenshot: $(VENV)/.installed-test tests/browser/node_modules/.installed
	$(BIN)/python -m tests.browser.screenshot

tests/browser/node_modules/.installed: tests/browser/package.json tests/browser/package-lock.json
	cd tests/browser && npm ci --silent
	@touch $@

# Boots a systemd in namespaces of its own, and runs the unit there; takes root and systemd 250.
systemd-test: $(VENV)/.installed-test
	$(BIN)/pytest --timeout=300 tests/booted

# Wheel, source archive, chart package and checksums of the last commit, in dist/. Publishes nothing:
# deploy/docs/release.md tells how to.
release: $(VENV)/.installed
	$(WITH_KUBERNETES_TOOLS) PYTHONPATH=deploy $(BIN)/python -m release

LOCK := --quiet --upgrade --generate-hashes --strip-extras --no-emit-index-url --no-emit-trusted-host \
	--no-emit-find-links --no-header --no-annotate --allow-unsafe

# Without it pip would say which versions of which packages it cannot find.
CHECK_PYTHON = @$(PYTHON) -c 'import sys; \
	sys.exit(sys.version_info < (3, 11) and "$(PYTHON) is Python %d.%d; Python 3.11 or newer is needed: \
	install it, and name it as in `make PYTHON=python3.11`." % sys.version_info[:2])'

$(VENV)/bin/python:
	$(CHECK_PYTHON)
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: requirements.lock requirements-build.lock pyproject.toml | $(VENV)/bin/python
	$(BIN)/pip install --quiet --require-hashes \
		--requirement requirements.lock --requirement requirements-build.lock
	$(BIN)/pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.installed-test: requirements-test.lock $(VENV)/.installed
	$(BIN)/pip install --quiet --require-hashes --requirement requirements-test.lock
	@touch $@

$(TOOLS_VENV)/.installed: requirements-tools.lock
	$(CHECK_PYTHON)
	$(PYTHON) -m venv --clear $(TOOLS_VENV)
	$(TOOLS_BIN)/pip install --quiet --require-hashes --requirement requirements-tools.lock
	@touch $@

$(SDK_VENV)/.installed: requirements-sdk.lock
	$(CHECK_PYTHON)
	$(PYTHON) -m venv --clear $(SDK_VENV)
	$(SDK_VENV)/bin/pip install --quiet --require-hashes --requirement requirements-sdk.lock
	@touch $@

$(WHEEL_VENV)/.installed-test: requirements-test.lock requirements-build.lock
	$(CHECK_PYTHON)
	$(PYTHON) -m venv --clear $(WHEEL_VENV)
	$(WHEEL_BIN)/pip install --quiet --require-hashes \
		--requirement requirements-test.lock --requirement requirements-build.lock
	@touch $@
