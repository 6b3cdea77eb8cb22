.DEFAULT_GOAL := help
.PHONY: help demo build test check bench tidy

# The program is one static binary: it needs no C compiler, to build or to run.
build demo: export CGO_ENABLED = 0

help: ## Show what can be made
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: build ## Run Keyward with living demo data on http://127.0.0.1:8080 (ARGS="--listen 127.0.0.1:9000")
	./bin/keyward demo --data demo-data $(ARGS)

build: ## Build the program into bin/keyward
	go build -trimpath -o bin/keyward ./cmd/keyward

test: ## Run all tests on both databases and in a browser; installs what they need on Debian
	./scripts/test

check: ## Vet the code and check its formatting
	go vet ./...
	@unformatted=$$(gofmt -l .); \
	if [ -n "$$unformatted" ]; then echo "not formatted, run gofmt -w on:"; echo "$$unformatted"; exit 1; fi

bench: build ## Run all benchmarks, then measure the program itself
	go test -run '^$$' -bench . -benchmem ./...
	measured=$$(mktemp -d) && trap 'rm -rf "$$measured"' EXIT && go run ./internal/load/cmd/load calls --place "$$measured"

tidy: ## Bring go.mod and go.sum in line with the code
	go mod tidy
