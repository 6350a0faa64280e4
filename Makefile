# Tandem: every command that the README names. `make help` lists them.

MAKEFLAGS += --no-print-directory
JOBS      ?= $(shell nproc)
LISTEN    ?= 127.0.0.1:5060
PREFIX    ?= /usr/local
FUZZ_SECONDS ?= 60
build      = cmake --build --preset $(1) --parallel $(JOBS)
configure  = cmake --preset $(1) --log-level=NOTICE

# What a newcomer starts needs no test: a first configuration leaves them out, `make build` puts them in.
programs   = $(call configure,release) $(if $(wildcard build/CMakeCache.txt),,-DTANDEM_TESTS=OFF)
first_time = if [ ! -e build/bin/$(1) ]; then echo "Building $(1). The first time this takes about $(2) minutes on two cores."; fi

export JOBS # for the scripts, too

.PHONY: help build run run-sip2 test check soak format bench fuzz install clean

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## install the packages and build everything into build/bin
	@scripts/install-packages build test
	@$(call configure,release) -DTANDEM_TESTS=ON
	@$(call build,release)

run: ## build, and start tandemd with etc/tandem.cfg (LISTEN=127.0.0.1:5060)
	@scripts/install-packages build
	@$(programs)
	@$(call first_time,tandemd,6)
	@$(call build,release) --target tandemd
	@scripts/run $(LISTEN)

run-sip2: ## build, and start sip2-mediator with its demonstration library on port 6001
	@scripts/install-packages build
	@$(programs)
	@$(call first_time,sip2-mediator,4)
	@$(call build,release) --target sip2-mediator sip2-client
	@build/bin/sip2-mediator --demo

test: build ## install, build and run every test, and the unit tests under asan+ubsan
	@scripts/run-tests

check: build ## format, clang-tidy, the layer rule, and the tests under tsan
	@scripts/install-packages check
	@scripts/check-all

soak: build ## the tests that can try any number of inputs, with large numbers: several hours
	@scripts/soak

install: build ## install programs, libraries, headers and configuration (PREFIX=/usr/local)
	@cmake --install build --prefix $(PREFIX)

bench: build ## measure tandemd beside kamailio, the parser beside others, and the mediator (PARTS="cpu memory idle exec programs shards")
	@scripts/install-packages bench
	@$(call configure,bench)
	@$(call build,bench)
	@bench/parsers
	@bench/run $(PARTS)
	@bench/run-sip2
	@bench/instructions

fuzz: ## run each libFuzzer target for FUZZ_SECONDS (60)
	@scripts/install-packages build test
	@$(call configure,fuzz)
	@$(call build,fuzz) --target fuzzers
	@scripts/run-fuzzers build-fuzz/bin $(FUZZ_SECONDS)

format: ## rewrite the sources as clang-format wants them
	@git ls-files '*.cpp' '*.hpp' | xargs clang-format -i

clean: ## remove what was built
	@rm -rf build build-*
