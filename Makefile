# `make` or `make help` lists what there is. Each recipe is one bash script that ends at its first error.
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.ONESHELL:
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

BIN   := $(CURDIR)/bin
TOOLS := $(BIN)/tools

# What `make run` starts.
RUN_ARGS ?= serve --demo
# What vet, lint, test and bench look at.
PKGS ?= ./...
TEST_FLAGS ?= -race -shuffle=on
# A format of gotestsum: pkgname, testdox, standard-verbose, …
TEST_FORMAT ?= pkgname
# How long each fuzz target runs.
FUZZTIME ?= 10s
FUZZTIME_LONG ?= 10m
# How many processes `make torture` kills, 7 of 10 on SQLite and 3 on PostgreSQL, how often it kills the database's own server and sets clocks, and for how long the
# database is gone; how often `make torture-postgres` promotes a standby. -seed N in TORTURE_FLAGS draws from the same seed again.
KILLS ?= 10000
DEATHS ?= 100
JUMPS ?= 1000
AWAY ?= 60s
ROUNDS ?= 200
TORTURE_FLAGS ?=
# Benchmarks by a regular expression.
BENCH ?= .
# How many histories make simulate plays, and from which seed on.
SEEDS ?= 1000000
FROM ?= 1

# A tree that git can't read (no git, or another owner's) is built without its stamp.
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
STAMP := -buildvcs=$(if $(filter dev,$(VERSION)),false,auto) -ldflags '-X main.version=$(VERSION)'
BUILD := CGO_ENABLED=0 go build -trimpath $(STAMP)

PLUGINS := $(patsubst plugins/%/main.go,%,$(wildcard plugins/*/main.go))

##@ Running

.PHONY: run
run: build ## start the gateway with sandboxes of its providers; Ctrl-C ends all of it
	@exec $(BIN)/jalur $(RUN_ARGS)

.PHONY: build
build: ## bin/jalur: one static binary
	@$(BUILD) -o $(BIN)/jalur ./cmd/jalur

.PHONY: plugins
plugins: $(PLUGINS:%=plugin-%) ## bin/jalur-plugin-NAME of each plugins/NAME

plugin-%:
	@$(BUILD) -o $(BIN)/jalur-plugin-$* ./plugins/$*

##@ Checking

.PHONY: test
test: needs needs-postgres languages generate-check vet lint rules simulate-short mutants ## all of it: generated code, vet, lint, import rules, simulation, mutants, tests with -race
	@$(TOOLS)/gotestsum --format $(TEST_FORMAT) --format-hide-empty-pkg --packages '$(PKGS)' -- $(TEST_FLAGS)

.PHONY: rules
rules: ## who may import whom; the test asks the go command, so its result must not come from the cache
	@go test -count=1 ./internal/archtest

.PHONY: vet
vet: ## go vet, and whether go.mod is tidy
	@go mod tidy -diff
	go vet $(PKGS)

.PHONY: lint
lint: tools ## golangci-lint and buf lint
	@$(TOOLS)/golangci-lint run --allow-parallel-runners $(PKGS)
	cd plugins/proto
	$(TOOLS)/buf lint

.PHONY: simulate-short
simulate-short: ## 10,000 histories of the real engine among faults, and the corpus of seeds
	@go test ./internal/simulation

.PHONY: simulate
simulate: ## SEEDS histories from the seed FROM on (docs/reliability.md); a violation prints its seed
	@go run ./internal/simulation/cmd/simulate -seeds $(SEEDS) -from $(FROM)

.PHONY: mutants
mutants: ## plant one bug after the other in the engine: the simulation must find each within 3,000 histories
	@go vet -tags mutants ./core/... ./internal/simulation/...
	go test -tags mutants -run '^TestMutants$$' -v ./internal/simulation

TEST_FILES := {{range .TestGoFiles}}{{$$.Dir}}/{{.}} {{end}}{{range .XTestGoFiles}}{{$$.Dir}}/{{.}} {{end}}

# go test at times takes the end of the time for a failure ("context deadline exceeded", and no failing input): then the target runs again.
.PHONY: fuzz
fuzz: ## each fuzz target for FUZZTIME
	@log=$$(mktemp)
	trap 'rm -f "$$log"' EXIT
	fuzz() {
		for _ in 1 2 3; do
			if go test -run '^$$' -fuzz "^$$2\$$" -fuzztime $(FUZZTIME) "$$1" 2>&1 | tee "$$log"; then return 0; fi
			if grep -q 'Failing input' "$$log" || ! grep -q '^ *context deadline exceeded$$' "$$log"; then return 1; fi
		done
		return 1
	}
	files=$$(go list -f '$(TEST_FILES)' ./...)
	for dir in $$(grep -l '^func Fuzz' $$files | xargs -n1 dirname | sort -u); do
		for target in $$(go test -list '^Fuzz' "$$dir" | grep '^Fuzz'); do
			echo "$${dir#"$(CURDIR)"/} $$target"
			fuzz "$$dir" "$$target"
		done
	done

.PHONY: fuzz-long
fuzz-long: ## each fuzz target for FUZZTIME_LONG
	@$(MAKE) fuzz FUZZTIME=$(FUZZTIME_LONG)

TORTURE := ^(TestKill9|TestAPlantedBugIsFound|TestTheDatabaseDies|TestTheDatabaseIsAway|TestAGatewayStandsStill|TestClocksJump)$$
tortured = go test -count=1 -timeout 0 -v -run '$(1)' ./internal/torture -args $(2) $(TORTURE_FLAGS) | { grep --line-buffered -v '^ *=== \|^  *--- PASS' || true; }

.PHONY: torture
torture: needs-postgres ## kill gateways and plugins KILLS times under load, hurt their databases and clocks, and hold their journals against the provider's ledger
	@$(call tortured,$(TORTURE),-kills $$(( $(KILLS) * 7 / 10 )) -postgres-kills $$(( $(KILLS) * 3 / 10 )) -deaths $(DEATHS) -jumps $(JUMPS) -away $(AWAY))

.PHONY: torture-postgres
torture-postgres: needs-postgres ## kill the primary under load and promote a synchronous standby, ROUNDS times
	@$(call tortured,^TestPromotion$$,-rounds $(ROUNDS))

.PHONY: bench
bench: ## benchmarks whose names match BENCH
	@go test -run '^$$' -bench '$(BENCH)' -benchmem $(PKGS)

##@ Generated code

# The folders of generated code and its sources, and what writes it, in the tree at $(1).
GENERATED := plugins/proto core/journal
define generate_in
(cd $(1)/plugins/proto && PATH="$(TOOLS):$$PATH" buf generate)
	for config in $(1)/core/journal/*/sqlc.yaml; do $(TOOLS)/sqlc generate -f "$$config"; done
endef

.PHONY: generate
generate: tools ## what buf and sqlc write: protobuf and SQL; docs/jalur.schema.json and examples/provider-go
	@$(call generate_in,.)
	go run ./cmd/jalur config schema >$(BIN)/jalur.schema.json
	mv $(BIN)/jalur.schema.json docs/jalur.schema.json
	rm -rf examples/provider-go
	(cd examples && go run ../cmd/jalur plugin new provider-go --lang go --jalur .. >/dev/null)

# The tree is left alone: a copy without its generated files is generated anew, and both must be the same.
.PHONY: generate-check
generate-check: tools ## fail where generated code is not what its sources give
	@copy=$$(mktemp -d)
	trap 'rm -rf "$$copy"' EXIT
	tar -cf - $(GENERATED) | tar -xf - -C "$$copy"
	grep -rl '^// Code generated .* DO NOT EDIT\.$$' "$$copy" | xargs rm
	$(call generate_in,$$copy)
	for folder in $(GENERATED); do
		diff -ru "$$folder" "$$copy/$$folder" || { echo 'generated code is stale: make generate' >&2; exit 1; }
	done

##@ Other languages

NODE := examples/provider-node
PYTHON := examples/provider-python
PROTO := jalur/plugin/v1/provider.proto

.PHONY: languages
languages: needs-languages $(NODE)/node_modules/.package-lock.json $(NODE)/$(PROTO) $(PYTHON)/jalur/plugin/v1/provider_pb2.py ## what the examples in Node and Python need beside them

$(NODE)/node_modules/.package-lock.json: $(NODE)/package-lock.json | needs-languages
	@cd $(NODE)
	npm ci --silent
	touch node_modules/.package-lock.json

$(NODE)/$(PROTO): plugins/proto/$(PROTO)
	@mkdir -p $(@D)
	cp $< $@

# The stubs must be no newer than the machine's own library, so each machine makes its own.
$(PYTHON)/jalur/plugin/v1/provider_pb2.py: plugins/proto/$(PROTO) | needs-languages
	@protoc -I plugins/proto --python_out=$(PYTHON) --plugin=protoc-gen-grpc_python=$$(command -v grpc_python_plugin) --grpc_python_out=$(PYTHON) $(PROTO)

##@ Housekeeping

.PHONY: tidy
tidy: ## go.mod and go.sum of both modules, and the layout of every file
	@go mod tidy
	go -C internal/tools mod tidy
	gofmt -w .

.PHONY: tools
tools: $(TOOLS)/.built ## bin/tools: linter, generators and test runner, at the versions of internal/tools/go.mod

$(TOOLS)/.built: internal/tools/go.mod internal/tools/go.sum
	@echo 'building the tools of internal/tools (some minutes the first time)'
	mkdir -p $(TOOLS)
	CGO_ENABLED=0 go build -C internal/tools -o $(TOOLS)/ tool
	touch $@

# The race detector needs a C compiler and the headers of the C library; a test pastes the curl line of the demonstration.
.PHONY: needs
needs:
	@compiles() { echo '#include <stdlib.h>' | $$(go env CC) -E - >/dev/null 2>&1; }
	missing=$$(compiles || echo gcc libc6-dev; command -v curl >/dev/null || echo curl)
	if [ -z "$$missing" ]; then exit 0; fi
	if [ "$$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
		echo "the tests need: apt-get install" $$missing >&2
		exit 1
	fi
	apt-get update -qq
	DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing >/dev/null
	compiles && command -v curl >/dev/null

# The tests start servers of their own; no cluster of the package's is needed.
.PHONY: needs-postgres
needs-postgres:
	@works() { command -v initdb >/dev/null || compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null; }
	if works; then exit 0; fi
	if [ "$$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
		echo 'the tests of the journal need a PostgreSQL server: apt-get install postgresql' >&2
		exit 1
	fi
	apt-get update -qq
	DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends postgresql >/dev/null
	works

# Python is the system's own, whatever else is on the PATH: its modules come as packages. A Node that is there already brings its npm.
PYTHON_PACKAGES := python3-grpcio python3-protobuf python3-cryptography protobuf-compiler protobuf-compiler-grpc libprotobuf-dev
.PHONY: needs-languages
needs-languages:
	@python() { /usr/bin/python3 -c 'import grpc, google.protobuf, cryptography' && command -v protoc grpc_python_plugin && test -e /usr/include/google/protobuf/timestamp.proto; } >/dev/null 2>&1
	node18() { node -e 'process.exit(Number(process.versions.node.split(".")[0]) < 18 ? 1 : 0)' && command -v npm; } >/dev/null 2>&1
	missing=$$(python || echo $(PYTHON_PACKAGES); node18 || echo nodejs npm)
	if [ -z "$$missing" ]; then exit 0; fi
	if [ "$$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
		echo "the examples in other languages need: apt-get install" $$missing "(Node 18 or later)" >&2
		exit 1
	fi
	apt-get update -qq
	DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing >/dev/null
	python && node18

.PHONY: clean
clean: ## remove bin, and what the examples in other languages were given
	@rm -rf $(BIN) $(NODE)/node_modules $(NODE)/jalur $(PYTHON)/jalur

.PHONY: help
help: ## this list
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' Makefile
