# Everything a developer or a CI types. `make help` lists it. It needs Go, git, gcc and a POSIX
# shell; every other tool is built from the Go module proxy once, or fetched where only tests need it, and kept
# in the user's cache.

SHELL := /bin/sh
.SHELLFLAGS := -eu -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL: # verify compares what generate has written; go parallelizes by itself
MAKEFLAGS += --no-builtin-rules

GO ?= go
DOCKER ?= docker
IMAGE ?= grantkeeper:dev
# Passed to go test, or to the benchmark: make test ARGS='-run TestName'.
ARGS ?=

# The package that code and CRDs are generated from.
API := ./api/v1alpha1

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: ## Build the operator into bin/
	CGO_ENABLED=0 $(GO) build -trimpath -o bin/grantkeeper .

.PHONY: image
image: ## Build the container image IMAGE with DOCKER
	$(DOCKER) build --tag $(IMAGE) .

.PHONY: generate
generate: ## Write the generated code, CRDs and docs/metrics.md
	tool=$$(hack/tool.sh controller-gen) && "$$tool" object crd paths=$(API) output:crd:dir=config/crd
	hack/chart-crds.sh
	$(GO) run ./hack/metricsdoc >docs/metrics.md

.PHONY: fmt
fmt: ## Format the code and its imports
	tool=$$(hack/tool.sh golangci-lint) && "$$tool" fmt

.PHONY: lint
lint: ## Check the house rules of .golangci.yml
	tool=$$(hack/tool.sh golangci-lint) && "$$tool" config verify && "$$tool" run

.PHONY: vet
vet: ## Run go vet
	$(GO) vet ./...

.PHONY: test
test: kube redis wazosdk ## Run every test but the faults, with the race detector; the last line counts them
	$(GO) run ./hack/gotest -race $(ARGS)

.PHONY: test-unit
test-unit: redis ## Run the tests that need no control plane
	$(GO) run ./hack/gotest unit -race $(ARGS)

.PHONY: test-integration
test-integration: kube redis wazosdk ## Run the tests on a real control plane
	$(GO) run ./hack/gotest integration -race $(ARGS)

.PHONY: test-faults
test-faults: kube redis ## Break what the operator stands on, and measure what holds: see docs/reliability.md
	$(GO) run ./hack/gotest faults $(ARGS)

.PHONY: bench
bench: kube ## Measure against the figures to reach, and end with a table of them
	$(GO) run ./test/bench $(ARGS)

.PHONY: verify
verify: generate tidy vet lint chart clean-tree ## Regenerate and check everything: fails on any difference or untracked file

.PHONY: tidy
tidy: ## Fail where go.mod or go.sum is not what the code needs
	$(GO) mod tidy -diff

.PHONY: chart
chart: ## Lint the chart
	tool=$$(hack/tool.sh helm) && for values in charts/grantkeeper/ci/*.yaml; do \
		"$$tool" lint --strict charts/grantkeeper --values "$$values"; \
	done

.PHONY: clean-tree
clean-tree: ## Fail where the working tree differs from the last commit
	@if [ -n "$$(git status --porcelain)" ]; then \
		git status --short; git --no-pager diff --stat -p; \
		echo 'The working tree differs from the last commit. Commit what make generate has written.'; exit 1; \
	fi

.PHONY: demo
demo: ## Show the main job on a Kubernetes of its own, and leave it running
	$(GO) run ./hack/demo up

.PHONY: down
down: ## Stop what make demo has left running
	$(GO) run ./hack/demo down

.PHONY: kube
kube: ## Build etcd, kube-apiserver, kube-controller-manager and kubectl, or find them, and print where
	hack/kube.sh

.PHONY: redis
redis: ## Get redis-server, or find it, and print where
	hack/redis.sh

.PHONY: wazosdk
wazosdk: ## Get wazo's JavaScript SDK and a Node.js for it, or find them, and print where
	$(GO) run ./hack/wazosdk

.PHONY: tools
tools: ## Build controller-gen, golangci-lint and helm, or find them, and print where
	for tool in controller-gen golangci-lint helm; do hack/tool.sh "$$tool"; done

.PHONY: helm
helm: ## Build helm, or find it, and print where
	hack/tool.sh helm

.PHONY: clean
clean: down ## Stop the demo and remove what was built here
	rm -rf bin .dev
