# Two commands: `make run` (PORT=8123 takes another port) and `make test`. What they do is in requirements/bootstrap.py.
PYTHON := $(shell for python in python3.11 python3; do \
	$$python -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null && echo $$python && break; done)

.PHONY: run test
run test:
	@$(if $(PYTHON),,echo "AVATAR needs Python 3.11, and neither python3.11 nor python3 is one. On Debian 12: apt-get install python3. Elsewhere: install Python 3.11, so that python3.11 is found." >&2; exit 1)
	@$(PYTHON) requirements/bootstrap.py $@ $(if $(PORT),--port $(PORT))
