# `make` or `make help` lists the targets. Everything runs from `.venv`, which `make` sets up.
PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
STATE ?= .local
EVENTS ?= 300000
SEED ?= 1
RUNNER ?= direct
# How long the stream of `make demo RUNNER=flink` runs, from its first commit on.
SECONDS ?= 60
READY := $(VENV)/.ready

.DEFAULT_GOAL := help
.PHONY: help setup demo report up status down clean test test-unit test-integration test-chaos test-operations test-chain test-warehouse test-portability test-flink test-faults test-faults-ha test-registry test-redshift lint format bench

## -- Start here
help: ## List the targets
	@awk '/^## -- /{printf "\n%s\n", substr($$0, 7)} /^[a-z-]+:.*## /{split($$0, a, ":.*## "); printf "  %-18s %s\n", a[1], a[2]}' $(MAKEFILE_LIST)

setup: $(READY) ## Make the virtual environment and install everything

$(READY): setup.py
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.11 ...")'
	@echo "Setting up $(VENV) (a minute or two, once)"
	@test -x $(PY) || $(PYTHON) -m venv $(VENV)
	@$(PY) -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

demo: $(READY) ## The whole way on RUNNER (direct, flink: a live minute, spark), with EVENTS events
	@$(PY) -m runners.local up --state_dir $(STATE) $(if $(filter flink,$(RUNNER)),--with flink)
	@set -e; . $(STATE)/env; mkdir -p $(STATE)/tmp; export TMPDIR=$(abspath $(STATE))/tmp; \
	lake="--lake_root $$LAKE_ROOT"; kafka="--kafka_bootstrap_servers $$KAFKA_BOOTSTRAP_SERVERS"; \
	redshift="--redshift_host $$REDSHIFT_HOST"; job="beam_pipelines.pharmacy $$kafka $$lake $$redshift"; \
	produce="beam_pipelines.produce $$kafka --events $(EVENTS) --seed $(SEED) --faults default \
	    --manifest $(STATE)/manifest.json"; \
	run() { echo; echo "$$ python -m $$*"; $(PY) -m "$$@"; }; \
	run beam_pipelines.warehouse migrate $$redshift; \
	case $(RUNNER) in \
	flink) \
	    $(PY) -m $$produce --live --rate $$(($(EVENTS) / 60 + 1)) & \
	    sleep 5; \
	    run $$job --mode stream --runner FlinkRunner --flink_master $$FLINK_MASTER \
	        --environment_type EXTERNAL --environment_config $$FLINK_WORKERS \
	        --set stream.max_age_s=10 --load_interval 15 --run_for $(SECONDS) \
	        --set kpi.topic=pharmacy.kpi --set kpi.allowed_lateness_s=604800 \
	        --set stream.discover_every_s=5; \
	    wait; \
	    run beam_pipelines.kpi $$kafka --once;; \
	spark) run $$produce; run $$job --mode drain --runner SparkRunner;; \
	*) run $$produce; run $$job --mode drain --runner DirectRunner;; \
	esac; \
	run beam_pipelines.verify $$kafka $$lake $$redshift; \
	run beam_pipelines.lake ls $$lake; \
	run beam_pipelines.warehouse ask $$redshift; \
	run beam_pipelines.report $$lake $$redshift --output $(STATE)/report.html; \
	run beam_pipelines.canary $$lake --manifest $(STATE)/manifest.json \
	    --paths $(STATE)/logs $(STATE)/tmp $(STATE)/report.html
	@echo; echo "Look at $(STATE)/report.html. The services stay up: '. $(STATE)/env' gives their"
	@echo "addresses, 'make down' stops them."

report: $(READY) ## The HTML report of LAKE (of the demo's lake by default)
	@set -e; test ! -f $(STATE)/env || . $(STATE)/env; \
	$(PY) -m beam_pipelines.report --lake_root $${LAKE:-$$LAKE_ROOT} --output $(STATE)/report.html \
	    $${REDSHIFT_HOST:+--redshift_host $$REDSHIFT_HOST}

## -- Local services
up: $(READY) ## Start Kafka, S3 and the stand-in for Redshift on free loopback ports
	@$(PY) -m runners.local up --state_dir $(STATE)

status: $(READY) ## Are they healthy?
	@$(PY) -m runners.local status --state_dir $(STATE)

down: ## Stop what was started; the data stay in STATE
	@test ! -x $(PY) || $(PY) -m runners.local down --state_dir $(STATE)

clean: down ## Stop, and delete the local services' data
	rm -rf $(STATE)

## -- Tests
test: $(READY) ## All tests that CI runs, two at a time
	$(PY) -m pytest -n 2 --dist loadgroup -m "not registry and not real_redshift"

test-unit: $(READY) ## Unit and property tests
	$(PY) -m pytest -m "not integration and not chain and not operations and not faults and not chaos and not portability and not flink and not registry and not warehouse and not real_redshift"

test-integration: $(READY) ## Real Kafka and S3, and the faults
	$(PY) -m pytest -m "integration or faults"

test-chaos: $(READY) ## Six kills at random moments, and a bug that they show
	$(PY) -m pytest -m chaos

test-operations: $(READY) ## Parts of streams, and cloud rights, against the real servers
	$(PY) -m pytest -m operations

test-chain: $(READY) ## The whole main job against the oracle, and the search for leaks
	$(PY) -m pytest -m chain

test-warehouse: $(READY) ## The stand-in for Redshift
	$(PY) -m pytest -m warehouse

test-portability: $(READY) ## The same topics on Direct, Flink and Spark
	$(PY) -m pytest -m portability

test-flink: $(READY) ## Streams on Flink, on a cluster of real processes too
	$(PY) -m pytest -m flink

test-faults: $(READY) ## The long fault suite by SEED: 60 kills on Direct, 40 on Flink; under an hour
	$(PY) -m tests.chaos --runner direct --kills 60 --seed $(SEED) --table $(STATE)/faults-direct.md
	$(PY) -m tests.chaos --runner flink --kills 40 --seed $(SEED) --table $(STATE)/faults-flink.md

test-faults-ha: $(READY) ## Three brokers, and one of them lost for good
	$(PY) -m tests.chaos --runner direct --brokers 3 --kills 10 --seed $(SEED)

test-registry: $(READY) ## A real schema registry (142 MB download)
	$(PY) -m pytest -m registry

test-redshift: $(READY) ## A real Redshift; says which variables it needs
	$(PY) -m pytest -m real_redshift tests/real_redshift

## -- Quality and speed
lint: $(READY) ## Style, types, import rules
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	$(VENV)/bin/lint-imports

format: $(READY) ## Put the style right
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .

bench: $(READY) ## Speed and memory, medians of 3, beside Spark (317 MB download)
	@$(PY) -m pip install --quiet --disable-pip-version-check --editable '.[bench]'
	$(PY) -m tests.benchmarks
	$(PY) -m tests.benchmarks.warehouse
	$(PY) -m tests.benchmarks.streams
