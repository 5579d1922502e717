# Yodel: `make run` starts it, `make test` runs every test. What is missing is installed with apt-get, and said.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

SWIFT ?= swift
SUDO := $(if $(filter 0,$(shell id -u)),,sudo)
SOURCES := Package.swift $(shell find Sources -type f)
PROGRAM := .build/release/yodel
PYTHON := .venv/bin/python
VERSION := $(lastword $(subst ", ,$(file < Sources/Gateway/Version.swift)))
PACKAGE := dist/yodel_$(VERSION)_amd64.deb
MANUAL := .build/manual/debug/generate-manual
MICROHTTPD := .build-microhttpd
STREAM := .build/nginx/usr/lib/nginx/modules/ngx_stream_module.so
# Optimised across modules: 8 % fewer instructions a message. Without the checks that no variable is used while it is
# changed (3 %): the tests, which are built without this, have them.
RELEASE := --static-swift-stdlib -Xswiftc -cross-module-optimization -Xswiftc -enforce-exclusivity=unchecked

.PHONY: help run build test docs lint test-swift test-costs test-interop test-browser test-deb test-sanitizers \
	test-microhttpd-1.0 fuzz soak bench bench-quick bench-chapters bench-hooks deb page-figures screenshot clean need-build \
	need-test need-bench need-peers

help: ## what can be made
	@grep -E '^[a-z0-9.-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 22

run: $(PROGRAM) ## build what has changed and start the gateway; ARGS="--loops 1" passes options
	@exec $(PROGRAM) serve $(ARGS)

build: $(PROGRAM) ## build the program, optimised

# Make compares times itself: an unchanged program starts without asking the package manager.
$(PROGRAM): $(SOURCES) | need-build
	$(SWIFT) build -c release --product yodel $(RELEASE)
	@touch $@

test: lint test-swift docs build test-costs test-interop test-browser test-deb test-sanitizers ## every test, lint included

test-costs: build need-bench ## instructions and allocations of a message and of a datagram, beside Benchmarks/baseline.json
	Benchmarks/guard

docs: ## the modules' documentation as a DocC archive, .build/Yodel.doccarchive; no link leads nowhere
	$(SWIFT) build
	Tests/Documentation/build .build/Yodel.doccarchive

lint: ## the format of the Swift sources
	$(SWIFT) format lint --strict --recursive --parallel Package.swift Sources Tests

test-swift: need-build ## the tests in Swift
	@$(call swift-test,.build/test.log)

FUZZ_SECONDS ?= 60
FUZZ_SEED ?= 1
fuzz: need-build ## damaged requests against the HTTP server; FUZZ_SECONDS=60, from FUZZ_SEED=1
	FUZZ_SECONDS=$(FUZZ_SECONDS) FUZZ_SEED=$(FUZZ_SEED) $(SWIFT) test --disable-xctest --filter FuzzTests

test-interop: need-test build ## curl, Python and netcat against the program
	YODEL_BINARY=$(CURDIR)/$(PROGRAM) $(PYTHON) -m pytest -q Tests/Interop

test-browser: need-test build ## the page in Chromium
	YODEL_BINARY=$(CURDIR)/$(PROGRAM) $(PYTHON) -m pytest -q Tests/Browser

page-figures: need-test build ## the page's first load, and a minute of 200 datagrams a second; wants a quiet machine
	YODEL_BINARY=$(CURDIR)/$(PROGRAM) YODEL_PAGE_FIGURES=1 $(PYTHON) -m pytest -q -s Tests/Browser/test_first_load.py

deb: $(PACKAGE) ## a Debian package in dist/

PACKAGED := $(shell find Packaging public -type f)

$(PACKAGE): $(PROGRAM) $(MANUAL) $(PACKAGED)
	@$(call install,dpkg-buildpackage,dpkg-dev)
	@$(call install,dh,debhelper)
	@$(call install,chrpath,chrpath)
	Packaging/build-deb $(PROGRAM) $(MANUAL) $(dir $@)

# The generator is a tool of swift-argument-parser's own package, which does not pass it on as a product.
$(MANUAL): Package.swift $(PROGRAM)
	$(SWIFT) build --package-path .build/checkouts/swift-argument-parser --scratch-path .build/manual \
		--product generate-manual
	@touch $@

test-deb: need-test $(PACKAGE) ## the package on a machine of its own: systemd in a clean Debian tree (as root)
	@if [ $$(id -u) = 0 ]; then $(call install,debootstrap,debootstrap); fi
	@$(call install,lintian,lintian)
	@if [ $$(id -u) = 0 ]; then Tests/Package/make-tree .build-package; fi
	YODEL_PACKAGE=$(CURDIR)/$(PACKAGE) $(PYTHON) -m pytest -q Tests/Package

screenshot: need-test build ## the README's picture of the page
	YODEL_BINARY=$(CURDIR)/$(PROGRAM) $(PYTHON) Tests/Browser/screenshot.py Tests/Browser/screenshot.webp

test-sanitizers: need-build ## the tests in Swift under the address and the thread sanitizer
	@$(call swift-test,.build-address/test.log,--scratch-path .build-address --sanitize=address)
	@$(call swift-test,.build-thread/test.log,--scratch-path .build-thread --sanitize=thread)

# How long `make soak` takes: exchanges with a fault in the simulation, seconds of load on the program.
SOAK_EXCHANGES ?= 10000000
SOAK_SECONDS ?= 600

soak: build ## faults by the million in a simulated network, then ten minutes of them on the real one
	$(SWIFT) build -c release --product RelaySoak $(RELEASE)
	.build/release/RelaySoak $(SOAK_EXCHANGES)
	YODEL_BINARY=$(CURDIR)/$(PROGRAM) python3 Tests/Soak/run --seconds $(SOAK_SECONDS)

# Both versions are libmicrohttpd.so.12, so which one runs is the loader's choice: the tests in Swift are built with 1.0,
# the program is the one that was built with the system's, as that of the Debian package is on Debian 13.
test-microhttpd-1.0: build need-test $(MICROHTTPD)/prefix/lib/pkgconfig/libmicrohttpd.pc ## tests on Debian 13's libmicrohttpd
	@export PKG_CONFIG_PATH=$(CURDIR)/$(MICROHTTPD)/prefix/lib/pkgconfig; \
	export LD_LIBRARY_PATH=$(CURDIR)/$(MICROHTTPD)/prefix/lib; \
	$(call swift-test,$(MICROHTTPD)/test.log,--scratch-path $(MICROHTTPD)/swift); \
	for folder in Interop Browser; do \
		YODEL_BINARY=$(CURDIR)/$(PROGRAM) $(PYTHON) -m pytest -q -rs Tests/$$folder; done

$(MICROHTTPD)/prefix/lib/pkgconfig/libmicrohttpd.pc: Tests/MicroHTTPD/build-1.0
	@$(call install,dpkg-source,dpkg-dev)
	@$(call install,make,make)
	@$(call install,cc,gcc libc6-dev)
	Tests/MicroHTTPD/build-1.0 $(MICROHTTPD)

bench: build need-bench need-peers ## measure beside all peers, some 8 minutes; writes .build/bench/report.md
	Benchmarks/run --markdown .build/bench/report.md
	Benchmarks/idle
	Benchmarks/delays
	Benchmarks/watched
	Benchmarks/ping
	$(SWIFT) build -c release --product JSONBench $(RELEASE)
	.build/release/JSONBench

bench-chapters: build need-bench ## after make bench: its figures into the README, scale.md and where.md
	@$(call install,perf,linux-perf)
	Benchmarks/where --write
	Benchmarks/scale.py --write
	Benchmarks/chapters.py README.md .build/bench/report.md

bench-quick: build need-bench ## the main figures in under a minute
	Benchmarks/run --quick --markdown .build/bench/report.md

# The same sources without the lines that impairments and the feed have on an echoed datagram's way.
bench-hooks: build need-bench ## what impairments and the feed cost a datagram while they are off, in user instructions
	@$(call install,patch,patch)
	rm -rf .build/hooks/Sources
	mkdir -p .build/hooks
	cp -r Package.swift Sources Tests public .build/hooks
	patch --quiet --strip=1 --directory=.build/hooks < Benchmarks/without-hooks.patch
	$(SWIFT) build --package-path .build/hooks -c release --product yodel $(RELEASE)
	Benchmarks/instructions --echo --beside .build/hooks/.build/release/yodel --at-most 1.05

clean: ## remove what was built
	rm -rf .build .build-address .build-thread .build-package $(MICROHTTPD) .venv dist

# $(call swift-test,LOG,OPTIONS): one test at a time, since many of them are about time and share the machine's cores.
# What failed stands at the end again, behind thousands of lines about what did not: first what a sanitizer has to say.
swift-test = mkdir -p $(dir $(1)); echo "swift test $(2)"; $(SWIFT) test --disable-xctest --no-parallel $(2) 2>&1 | tee $(1) \
	|| { echo 'what failed:'; grep -A24 -E '(ERROR|WARNING): [A-Za-z]*Sanitizer' $(1) | head -100 || true; \
		grep -A2 -E '✘ .*(issue at|issue with|error)|error:' $(1) | grep -v -E ' (started|passed after .*)\.$$|^--$$'; exit 1; }

# $(call install,FILE OR COMMAND,PACKAGES): installs Debian's packages unless what they bring is there.
install = if ! { test -e $(1) || command -v $(1) >/dev/null; }; then \
	echo "installing $(2) (Debian packages)"; \
	$(SUDO) apt-get update -qq && $(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $(2) >/dev/null; fi

# libmicrohttpd-dev brings GnuTLS along, which the program asks for certificates itself.
need-build:
	@$(call install,git,git ca-certificates)
	@$(call install,pkg-config,pkg-config)
	@$(call install,/usr/include/microhttpd.h,libmicrohttpd-dev)
	@$(call install,/usr/include/zlib.h,zlib1g-dev)

need-test: .venv/installed .build/nginx .build/prometheus $(STREAM)
	@$(call install,curl,curl)
	@$(call install,nc.openbsd,netcat-openbsd)
	@$(call install,ip,iproute2)
	@$(call install,openssl,openssl)
	@$(call install,/usr/bin/chromium,chromium)

# Unpacked, not installed: Debian's packages would start servers. Where one cannot be had its tests are skipped.
.build/nginx .build/prometheus: .build/%:
	@mkdir -p .build
	@command -v $* >/dev/null || { echo 'unpacking $* (Debian package) into $@'; cd .build; \
		{ apt-get download -qq $* || { $(SUDO) apt-get update -qq && apt-get download -qq $*; }; } \
		&& dpkg -x $*_*.deb $* && rm $*_*.deb; } || echo 'there is no $* to test with'

# Its stream module takes an nginx of the same version, so both are unpacked side by side.
$(STREAM):
	@test -e $(STREAM:.build/nginx%=%) || { mkdir -p .build/stream; cd .build/stream; \
		echo 'unpacking nginx and libnginx-mod-stream (Debian packages) into .build/nginx'; \
		{ apt-get download -qq nginx libnginx-mod-stream \
			|| { $(SUDO) apt-get update -qq && apt-get download -qq nginx libnginx-mod-stream; }; } \
		&& for package in *.deb; do dpkg -x $$package ../nginx; done && touch ../../$@; } \
		|| echo 'there is no stream module of nginx to test with'
	@rm -rf .build/stream

.venv/installed: Tests/Interop/requirements.txt Tests/Browser/requirements.txt
	@$(call install,python3,python3)
	@python3 -c 'import ensurepip' 2>/dev/null || { $(call install,/none,python3-venv); }
	python3 -m venv .venv
	$(PYTHON) -m pip install --quiet --disable-pip-version-check $(addprefix -r ,$^)
	@touch $@

# Unpacked with the libraries that are missing, not installed: Debian's package would start a name server.
.build/dnsdist:
	@rm -rf $@.new && mkdir -p $@.new
	@command -v dnsdist >/dev/null || { echo 'unpacking dnsdist (Debian package) into $@'; $(SUDO) apt-get update -qq; \
		cd $@.new; apt-get download -qq $$(apt-get install -s --no-install-recommends dnsdist | sed -n 's/^Inst \([^ ]*\).*/\1/p'); \
		for package in *.deb; do dpkg -x $$package .; done; rm *.deb; }
	@mv $@.new $@

need-peers: .build/dnsdist
	@$(call install,go,golang-go)

need-bench: need-build
	@$(call install,python3,python3)
	@$(call install,cc,gcc libc6-dev)
	@$(call install,wrk,wrk)
	@$(call install,valgrind,valgrind)
