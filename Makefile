# One line for each target; `make help` lists them. The logic is in Rust.
.DEFAULT_GOAL := help
.PHONY: help build demo venv test campaign mutants lint bench bench-landing bench-extraction bench-transform bench-rehearsal bless

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 18

build: ## build everything, in the profile that demo and test use
	cargo build --workspace --bins

demo: build ## run the whole job against built-in stand-ins; PAIR=kustomer-crisp names another pair
	target/debug/deskferry demo --pair $(or $(PAIR),crisp-gorgias)

venv: target/venv/installed ## install what the tests need from Python, into target/venv

target/venv/installed: tests/python/requirements.txt
	python3 -m venv --clear target/venv
	target/venv/bin/pip install --quiet --disable-pip-version-check --requirement $<
	touch $@

test: venv ## run every test
	cargo build --workspace --bins
	cargo nextest run --workspace

campaign: build ## replay plans while everything goes wrong, ten minutes for each test; SEED=… replays one run
	CAMPAIGN_SECONDS=$(or $(CAMPAIGN_SECONDS),600) cargo nextest run --workspace --no-capture -E 'test(campaign)'

mutants: build ## take each safeguard of the loader away in a copy, and see its tests fail; ONLY=words chooses
	target/debug/mutants $(ONLY)

lint: ## check formatting and lints
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings

bench: build ## time every stage on an invented shop of 2,000 conversations
	target/debug/deskferry demo --conversations 2000 --folder target/bench

bench-landing: venv ## measure landing on one thread against gzip and pyarrow
	cargo bench --workspace --bench landing

bench-extraction: ## measure the client's processor time of an extraction
	cargo bench --workspace --bench extraction

bench-transform: venv ## race DuckDB over 2,000,000 messages, then build every model over up to 5,000,000
	cargo bench --workspace --bench messages

bench-rehearsal: ## time and memory of a rehearsal of 10,000 and of 100,000 conversations, in release
	cargo build --release --workspace --bins
	cargo bench --workspace --bench rehearsal

bless: build ## write the expected output anew; read it before committing
	BLESS=1 cargo nextest run --workspace -E 'test(prints_what_is_expected) + test(the_test_beside_it)'
