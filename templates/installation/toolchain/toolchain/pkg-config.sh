#!/bin/sh
# pkg-config for <%= machine.triple %>: it finds that machine's libraries, and never those of this one.
# A directory of your own goes into PKG_CONFIG_PATH, as always.
export PKG_CONFIG_LIBDIR="${PKG_CONFIG_LIBDIR:-/usr/local/lib/<%= machine.triple %>/pkgconfig:/usr/lib/<%= machine.triple %>/pkgconfig:/usr/share/pkgconfig}"
export PKG_CONFIG_SYSTEM_LIBRARY_PATH="${PKG_CONFIG_SYSTEM_LIBRARY_PATH:-/usr/lib/<%= machine.triple %>:/lib/<%= machine.triple %>:/usr/lib}"
exec pkg-config "$@"
