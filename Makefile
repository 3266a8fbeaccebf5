# What a developer of Guestlist needs. The comment beside a target is its line in `make help`.
# Each target makes and renews .venv by itself: with uv where it is installed, else with python3 -m venv and pip.

PYTHON ?= python3
BIN := .venv/bin

# The typed check of the models reads the Django settings, which want an address; nothing connects to it.
OFFLINE := DATABASE_URL=postgresql://nobody@localhost/none

.DEFAULT_GOAL := help

.PHONY: help
help: ## Show this list
	@awk 'BEGIN { FS = ":.*## " } /^[a-z-]+:.*## / { printf "  make %-17s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: venv
venv: ## Make or renew .venv from requirements.lock
	@$(PYTHON) tools/install.py

.PHONY: demo
demo: venv ## Run Guestlist with a sandbox cart and a sandbox site (Ctrl+C ends it)
	@$(BIN)/guestlist demo

# worksteal keeps neighbours together, for the sake of what a module sets up once. The loadfile and loadscope ways leave
# out tests that share an id, as those of schemathesis do.
.PHONY: test
test: venv ## Run all tests side by side, on an embedded PostgreSQL of their own
	$(BIN)/pytest --numprocesses auto --maxprocesses 4 --dist worksteal

.PHONY: test-browser
test-browser: venv ## Walk through the dashboard with Chromium (root gets it by itself, from Debian)
	@PYTHONPATH=tests $(BIN)/python -m browser.chromium
	$(BIN)/pytest tests/browser

.PHONY: check
check: lint types layers lock-check vendor-check migrations-check messages-check docs ## Run every check that is not a test

.PHONY: lint
lint: venv ## Check style and formatting
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

.PHONY: format
format: venv ## Format the code and mend what can be mended by itself
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

.PHONY: types
types: venv ## Check the types
	$(OFFLINE) $(BIN)/mypy
	$(OFFLINE) $(BIN)/mypy tools

.PHONY: layers
layers: venv ## Check that each layer imports only those beneath it
	$(BIN)/lint-imports

.PHONY: lock-check
lock-check: venv ## Check that requirements.lock fits pyproject.toml
	$(BIN)/python tools/check_lock.py

.PHONY: vendor-check
vendor-check: venv ## Check the stored style sheet, scripts and icons against their checksums
	$(BIN)/python tools/vendor.py --check

.PHONY: migrations-check
migrations-check: venv ## Check that every change of the models has its migration
	$(BIN)/python tools/migrations.py --check

.PHONY: messages-check
messages-check: venv ## Check that every word of the dashboard is translated
	$(BIN)/python tools/messages.py --check

.PHONY: docs
docs: venv ## Check the documentation against the code
	$(BIN)/pytest tests/docs

.PHONY: bench
bench: venv ## Measure the door, the lanes and the time to access; prints ratios
	$(BIN)/python -m bench

.PHONY: migrations
migrations: venv ## Write the migrations that the models need
	$(BIN)/python tools/migrations.py

.PHONY: messages
messages: venv ## Collect the dashboard's words for the translations, and compile these
	$(BIN)/python tools/messages.py

.PHONY: lock
lock: ## Renew requirements.lock after a change of pyproject.toml, keeping the pins that still fit
	$(PYTHON) tools/lock.py

.PHONY: upgrade
upgrade: ## Move every pin in requirements.lock to the newest version that fits
	$(PYTHON) tools/lock.py --upgrade

.PHONY: screenshots
screenshots: venv ## Take the README's pictures of the dashboard again
	@PYTHONPATH=tests $(BIN)/python -m browser.chromium
	PYTHONPATH=tests $(BIN)/python -m browser.pictures

.PHONY: vendor
vendor: venv ## Fetch the dashboard's style sheet, htmx and icons again (needs npm)
	$(BIN)/python tools/vendor.py

.PHONY: clean
clean: ## Remove .venv, caches and build results
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist
	find src tests tools bench -name __pycache__ -type d -prune -exec rm -rf {} +
