# Short names for what is done often; ./scripts/test is the whole truth.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c

VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo unversioned)
GOFLAGS_BUILD := -trimpath -ldflags '-s -w -X gridhub/hub/server.Version=$(VERSION) -X gridhub/edge/cli.Version=$(VERSION)'
WEB := hub/web

.PHONY: help check format vet staticcheck tidy shell types schemas build web programs release test run bench clean

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' Makefile | expand -t 14

check: format vet staticcheck tidy shell types ## format, vet, staticcheck, tidy, shell, types of the pages

format:
	@out=$$(git ls-files -co --exclude-standard '*.go' | while read -r f; do [ ! -e "$$f" ] || echo "$$f"; done | xargs gofmt -l); \
	  [ -z "$$out" ] || { echo "gofmt -w is wanted for:"; echo "$$out"; exit 1; }

vet:
	@go vet ./...

staticcheck:
	@go tool staticcheck ./...

tidy:
	@go mod tidy -diff

shell:
	@if command -v shellcheck >/dev/null; then shellcheck -x scripts/run scripts/test scripts/bench scripts/release scripts/systemd/check scripts/systemd/boot scripts/systemd/trial scripts/setup scripts/lib/*.sh .ci/run; fi

types:
	@if [ -d $(WEB)/node_modules ]; then cd $(WEB) && npm run --silent check; fi

build: web programs ## pages (where node is) and both programs, into bin/

web:
	@if [ -f $(WEB)/package.json ] && command -v npm >/dev/null; then \
	  cd $(WEB); [ node_modules/.package-lock.json -nt package-lock.json ] || npm ci --no-audit --no-fund; \
	  if [ ! -e dist/index.html ] || [ -n "$$(find . \( -name node_modules -o -name dist \) -prune -o -type f -newer dist/index.html -print -quit)" ]; then \
	    npm run --silent build; fi; fi

programs:
	@go build -o bin/ $(GOFLAGS_BUILD) ./edge ./hub

schemas: ## JSON Schemas of the files that people write, from the Go types
	@go run ./scripts/schemas

release: ## archives for three machines, checksums, parts lists, into bin/release/
	@./scripts/release

test: ## everything, as CI does it
	@./scripts/test

run: ## the demo street on this machine
	@./scripts/run

bench: ## one benchmark: make bench NAME=journal
	@./scripts/bench $(NAME)

clean: ## what builds made; the demo's data stays
	rm -rf bin $(WEB)/dist/assets
