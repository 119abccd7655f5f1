# Ivy Gateway. `make` lists the targets; `make run` and `make test` need nothing but Python 3.11 or newer.

PYTHON ?= python3
VENV := .venv
DOCS ?= config/knowledge
WORKERS ?= 4
BIN := $(VENV)/bin
RUN := .venv-run
LITELLM := .venv-litellm
PORTKEY := .portkey
NODE := tests/clients/node
INSTALL := -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps
PIP := $(BIN)/python $(INSTALL)
# An option where the variable is given to make itself: USER is set in every shell.
given = $(if $(filter command,$(origin $(1))),--$(2) '$($(1))')

.DEFAULT_GOAL := help
.PHONY: help install run ingest check-config style key keys revoke check test failover bench bench-parts bench-memory bench-profile eval-retrieval bench-retrieval lock clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: $(VENV)/.run ## make .venv with everything a run needs

run: $(VENV)/.run ## start the gateway
	@exec $(BIN)/python -m gateway serve

ingest: $(VENV)/.knowledge ## bring the knowledge base in line with a folder: DOCS=folder
	@$(BIN)/python -m gateway ingest '$(DOCS)'

check-config: $(VENV)/.run ## check the configuration and print what is in force
	@$(BIN)/python -m gateway check

style: $(VENV)/.run ## show this week's style guidance
	@$(BIN)/python -m gateway show style

key: $(VENV)/.run ## make a virtual key: NAME=crm, and USER=, ORG=, MODELS=a,b, REQUESTS= and TOKENS= a minute, EXPIRES=2027-01-31
	@$(BIN)/python -m gateway key add '$(NAME)' $(call given,USER,user) $(call given,ORG,org) $(call given,MODELS,models) \
	  $(call given,REQUESTS,requests) $(call given,TOKENS,tokens) $(call given,EXPIRES,expires)

keys: $(VENV)/.run ## list the virtual keys
	@$(BIN)/python -m gateway key list

revoke: $(VENV)/.run ## revoke a virtual key: NAME=crm
	@$(BIN)/python -m gateway key revoke '$(NAME)'

check: $(VENV)/.test ## lint, types and layout
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/python -m pytest -q tests/test_layout.py

test: check $(if $(shell command -v npm),$(NODE)/node_modules/.installed) ## install what tests need, check, and run all tests
	@$(BIN)/python -m pytest --numprocesses $(WORKERS) --dist loadfile

failover: $(VENV)/.test $(if $(filter litellm,$(TARGET)),$(LITELLM)/.proxy) ## play every fault of a provider; PROFILE=full, TARGET=litellm
	@$(BIN)/python -m bench.failover $(if $(PROFILE),--profile $(PROFILE)) $(if $(TARGET),--target $(TARGET))

bench: $(VENV)/.test $(RUN)/.run $(LITELLM)/.proxy $(if $(shell command -v npm),$(PORTKEY)/.installed) ## compare with LiteLLM's proxy and Portkey; QUICK=1, CHECK=1
	@$(BIN)/python -m bench $(if $(QUICK),--quick) $(if $(CHECK),--check) $(if $(ONLY),--only $(ONLY)) \
	  $(if $(WRITE),--json docs/bench.json --picture docs/bench.svg --markdown $(WRITE))

bench-parts: $(VENV)/.test ## measure what the parts of a request cost by themselves
	@$(BIN)/python -m bench.parts

bench-profile: $(VENV)/.test ## where the gateway's CPU goes; ROW=chat-gemini, stream-openai, ivy-modal ...
	@$(BIN)/python -m bench.profile $(if $(ROW),--row $(ROW))

bench-memory: $(VENV)/.test ## measure what a million remembered turns take of the process's memory
	@$(BIN)/python -m bench.memory

eval-retrieval: $(VENV)/.test ## how often the right document is found, and what none answers is told, on labelled questions
	@$(BIN)/python -m bench.retrieval.evaluate

bench-retrieval: $(VENV)/.test ## search 100,000 chunks by 16 callers while an ingest runs; CHECK=1
	@$(BIN)/python -m bench.retrieval.speed $(if $(CHECK),--check)

lock: $(VENV)/.test ## write requirements/*.txt anew from pyproject.toml
	@$(BIN)/python -m uv pip compile pyproject.toml --extra local $(LOCK) -o requirements/run.txt
	@$(BIN)/python -m uv pip compile pyproject.toml --extra local --extra knowledge -c requirements/run.txt $(LOCK) -o requirements/knowledge.txt
	@$(BIN)/python -m uv pip compile pyproject.toml --extra local --extra knowledge --extra test -c requirements/knowledge.txt $(LOCK) -o requirements/test.txt
	@echo 'litellm[proxy]==1.106.2' | $(BIN)/python -m uv pip compile - $(LOCK) -o requirements/litellm-proxy.txt

clean: ## remove .venv and what tools left behind
	rm -rf $(VENV) $(RUN) $(LITELLM) $(PORTKEY) $(NODE)/node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis

LOCK := --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed: make PYTHON=python3.11 ..." if sys.version_info < (3, 11) else 0)'
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.run: $(VENV)/bin/python requirements/run.txt
	@echo "installing what a run needs into $(VENV) (once; about half a minute)"
	@$(PIP) -r requirements/run.txt
	@touch $@

$(VENV)/.knowledge: $(VENV)/bin/python requirements/knowledge.txt
	@echo "installing what the knowledge base needs into $(VENV) (once; about half a minute)"
	@$(PIP) -r requirements/knowledge.txt
	@touch $@ $(VENV)/.run

$(VENV)/.test: $(VENV)/bin/python requirements/test.txt
	@echo "installing what tests need into $(VENV) (once; about a minute)"
	@$(PIP) -r requirements/test.txt
	@touch $@ $(VENV)/.run $(VENV)/.knowledge

$(RUN)/.run: requirements/run.txt
	@echo "installing what a run needs, and nothing else, into $(RUN), to be measured (once; about half a minute)"
	@$(PYTHON) -m venv $(RUN)
	@$(RUN)/bin/python $(INSTALL) -r requirements/run.txt
	@touch $@

$(LITELLM)/.proxy: requirements/litellm-proxy.txt
	@echo "installing LiteLLM's proxy into $(LITELLM), for comparison only (once; about a minute)"
	@$(PYTHON) -m venv $(LITELLM)
	@$(LITELLM)/bin/python $(INSTALL) -r requirements/litellm-proxy.txt
	@touch $@

$(PORTKEY)/.installed: bench/portkey/package.json bench/portkey/package-lock.json
	@echo "installing Portkey's gateway into $(PORTKEY), for comparison only (once; some seconds)"
	@mkdir -p $(PORTKEY)
	@cp bench/portkey/package.json bench/portkey/package-lock.json $(PORTKEY)
	@cd $(PORTKEY) && npm ci --silent --omit=dev --no-audit --no-fund --ignore-scripts
	@touch $@

$(NODE)/node_modules/.installed: $(NODE)/package.json $(NODE)/package-lock.json
	@echo "installing OpenAI's client for Node into $(NODE), for its tests (once; some seconds)"
	@cd $(NODE) && npm ci --silent --omit=dev --no-audit --no-fund --ignore-scripts
	@touch $@
