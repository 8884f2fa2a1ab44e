#!/bin/sh
# million.sh MCEMU OUT TIMES: a trace of 35 records for each of TIMES errors: one after the other, with latencies that
# vary, in a process whose page is long lost.
set -u
cat >million.scenario.json <<END
{ "schema": "mcemu/scenario/1", "name": "a-million-records", "seed": 7,
  "machine": { "cpus": { "sockets": 2, "cores": 8 },
    "latency": { "kernel.mf_unmap": { "dist": "lognormal", "median": "5us", "p99": "40us" },
                 "kernel.mc_scan": { "dist": "exponential", "mean": "3us" },
                 "mc.microcode": { "dist": "uniform", "low": "300ns", "high": "2us" } } },
  "processes": [ { "id": "db", "pid": 900, "comm": "db", "cpu": 1, "sigbus": "handler",
    "maps": [ { "id": "m", "va": "0x7f0000000000", "size": "4KiB", "kind": "anon", "at": "0x12345000" } ] } ],
  "events": [ { "id": "mce", "at": "1ms", "every": "1ms", "times": $3, "do": "mce", "cpu": 1, "bank": 1,
    "status": "0xbd80000000100134", "mcgstatus": "0x7", "addr": "0x12345000", "misc": "0x86", "process": "db" } ] }
END
"$1" run -q million.scenario.json --trace "$2"
