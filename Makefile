# A thin layer over CMake's presets and scripts/; nothing is decided here.
FUZZ_SECONDS ?= 60
PREFIX ?= /usr/local
DESTDIR ?=

.DEFAULT_GOAL := help
.PHONY: help build demo check bench fuzz format tidy install clean

help:
	@echo "make build     build into build/dev (programs in build/dev/bin)"
	@echo "make demo      an XDP program between two network namespaces, with real packets"
	@echo "make check     build and run every test: Linux, sanitizers, Windows under Wine, arm64 under qemu"
	@echo "make bench     measure"
	@echo "make fuzz      fuzz each target for FUZZ_SECONDS (60)"
	@echo "make format    clang-format what you changed"
	@echo "make tidy      the project's rules and clang-tidy"
	@echo "make install   install into PREFIX (/usr/local), below DESTDIR if set"
	@echo "make clean     remove build/"

build:
	@scripts/setup run
	@cmake --preset dev && cmake --build --preset dev

demo:
	@scripts/setup run
	@scripts/demo

check:
	@scripts/setup check
	@scripts/check

bench:
	@scripts/setup run
	@bench/run

fuzz:
	@scripts/setup fuzz
	@scripts/fuzz $(FUZZ_SECONDS)

format:
	@scripts/setup edit
	@scripts/format

tidy:
	@scripts/setup edit
	@scripts/tidy

install:
	@scripts/setup run
	@cmake --preset release && cmake --build --preset release
	@DESTDIR="$(DESTDIR)" cmake --install build/release --prefix "$(PREFIX)"

clean:
	rm -rf build
