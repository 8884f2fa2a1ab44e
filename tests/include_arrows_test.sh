#!/bin/sh
# include_arrows_test.sh ROOT: the #include lines of ROOT/model and ROOT/bin follow the arrows of
# docs/architecture.md. Any other arrow is printed as FILE:LINE and fails.
#
#   bin -> regress, output, scenario, sim      regress -> compare, output, scenario, sim
#   sim -> hw, os, wires      hw, os -> wires      wires -> core
#   scenario -> core                  output -> core            core -> the standard library
#   bin, output -> formats            formats -> core
#   bin -> exchange                   exchange -> scenario, output, formats
#   bin -> compare                    compare -> output, scenario, sim
#
# A folder that stands to the left may also use what is further right, except that hw and os meet
# only in wires. Libraries: SystemC in wires, hw, os, sim; nlohmann in scenario, exchange, output,
# campaign, compare, regress, report, bin; SQLiteCpp in exchange, campaign, regress and report;
# pugixml in regress; valijson in scenario; Random123 in sim; Boost in bin, campaign, output, report and
# scenario; simdjson and zlib in report.
set -eu
root=$1
cd "$root"
find model bin -name '*.hpp' -o -name '*.cpp' | LC_ALL=C sort | xargs awk '
BEGIN {
    split("core:core;wires:core wires;hw:core wires hw;os:core wires os;" \
          "sim:core wires hw os sim;scenario:core scenario;formats:core formats;" \
          "output:core formats output;exchange:core formats output scenario exchange;" \
          "compare:core compare formats output scenario sim;regress:core compare output scenario sim regress;" \
          "campaign:core output scenario sim campaign;report:core output report;" \
          "bin:core campaign compare exchange formats output regress report scenario sim bin", rows, ";")
    for (i in rows) {
        split(rows[i], row, ":")
        n = split(row[2], to, " ")
        for (j = 1; j <= n; j++) arrow[row[1], to[j]] = 1
    }
    split("core wires hw os sim scenario formats exchange output compare regress campaign report bin", names, " ")
    for (i in names) layer[names[i]] = 1
    # Libraries beyond the standard one: which layers may include them.
    split("systemc:wires hw os sim;tlm:wires hw os sim;tlm_utils:wires hw os sim;" \
          "nlohmann:scenario exchange output campaign compare regress report bin;" \
          "SQLiteCpp:exchange campaign regress report;sqlite3.h:exchange campaign;pugixml.hpp:regress;" \
          "valijson:scenario;Random123:sim;boost:output scenario campaign report bin;" \
          "simdjson.h:report;zlib.h:report", libs, ";")
    for (i in libs) {
        split(libs[i], lib, ":")
        known[lib[1]] = 1
        n = split(lib[2], to, " ")
        for (j = 1; j <= n; j++) allowed[lib[1], to[j]] = 1
    }
    # core computes: no text streams, files, clocks of the day or randomness of its own.
    split("iostream fstream sstream iomanip random thread mutex filesystem ctime time.h", no, " ")
    for (i in no) not_in_core[no[i]] = 1
    bad = 0
}
function complain(text) { printf "%s:%d: %s\n", FILENAME, FNR, text; bad = 1 }
FNR == 1 { n = split(FILENAME, part, "/"); from = part[1] == "bin" ? "bin" : part[2]; files++ }
/^[ \t]*#[ \t]*include/ {
    line = $0
    sub(/^[ \t]*#[ \t]*include[ \t]*/, "", line)
    quoted = substr(line, 1, 1) == "\""
    name = substr(line, 2)
    sub(/[">].*/, "", name)
    first = name
    sub(/\/.*/, "", first)
    if (quoted) {
        if (first == name) { if (from != "bin") complain("#include \"" name "\" is not relative to model/") }
        else if (!(first in layer)) complain("#include \"" name "\": no such layer")
        else if (!((from, first) in arrow)) complain(from " must not include " first " (\"" name "\")")
    } else {
        if (first in known && !((first, from) in allowed)) complain(from " must not include <" name ">")
        if (from == "core" && name in not_in_core) complain("core must not include <" name ">")
    }
}
END {
    if (files < 10) { print "only " files " sources found below " ENVIRON["PWD"]; bad = 1 }
    exit bad
}'
