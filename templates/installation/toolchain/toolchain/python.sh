#!/bin/sh
# Python for <%= machine.triple %>: the Python that runs here, told that it is the other machine's. What asks it
# how to compile, such as setuptools or pip, is answered for that machine: compilers, flags, headers,
# and the names of files.
#   <%= machine.triple %>-python3 -m pip wheel --no-build-isolation --no-deps .
# Debian's libpython3-dev has the answers. The variables are those that CPython's own build uses when
# it is cross compiled (Lib/sysconfig.py, "_init_posix").
export _PYTHON_HOST_PLATFORM=linux-<%= machine.processor %>
export _PYTHON_SYSCONFIGDATA_NAME=_sysconfigdata__<%= machine.triple %>
exec /usr/bin/python3 "$@"
