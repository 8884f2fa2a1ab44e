#!/bin/sh
# listed_sources_test.sh TESTS LIST: every *_test.cpp below TESTS stands in LIST, one path a line.
set -u
missing=0
for file in $(find "$1" -name '*_test.cpp' | LC_ALL=C sort); do
    if ! grep -qxF "$file" "$2"; then
        echo "$file: no program lists this test: add it to the CMakeLists.txt of its folder" >&2
        missing=1
    fi
done
exit $missing
