// The schema and the reader come from the same tables; here they judge the same documents.
#include <catch2/catch.hpp>
#include <iterator>
#include <set>

#include "scenario/document.hpp"
#include "scenario/reader.hpp"
#include "scenario/schema.hpp"
#include "scenario/told.hpp"

namespace mcemu::scenario {
namespace {

/// Every value of a document that touches all shapes, one at a time replaced by values of every
/// JSON type, and every key once taken away and once misspelt.
const char* const kEverything = R"({
"$schema": "x", "schema": "mcemu/scenario/1", "name": "t", "description": "d", "tags": ["a"], "seed": 1,
"until": "9s", "params": {"a": 1, "b": "x", "c": true}, "matrix": {"a": [1, 2]},
"kernel": {"profile": "v4.19", "boot": {"mce.tolerant": 1, "mce": ["recovery"], "nopat": 0, "page_offset": "0x0"},
  "sysctl": {"memory_failure_early_kill": true}, "knobs": {"decoy": true, "badblocks_model": "ideal"},
  "decoders": {"nfit": true}, "worker": {"comm": "kworker/%u:1", "pid": 45}, "check_interval": "300s", "mcsafe": true},
"machine": {"cpus": {"cores": 4, "model": "generic", "cpuid": "0x50657"}, "mca": {"banks": 20, "stuck_cpus": [1]},
  "memory": [{"id": "dram0", "base": 0, "size": "2GiB", "poison": [{"spa": 64, "length": 64}]}],
  "nvdimms": [{"id": "nmem0", "size": "4GiB", "poison": [{"dpa": 64}]}],
  "regions": [{"nvdimms": ["nmem0"], "dpa_base": [0], "interleave": 4096}],
  "namespaces": [{"id": "namespace0.0", "mode": "fsdax", "align": "2MiB"}],
  "latency": {"mc.skew": "1us", "mc.broadcast": {"dist": "lognormal", "median": "1us", "p99": "2us"},
    "mc.retire": {"dist": "empirical", "table": [[0.5, "1us"], [1, 9000]]}}},
"files": [{"id": "f", "on": "namespace0.0", "size": "4MiB", "extents": [{"pmem": 0, "size": "4MiB"}]}],
"kernel_pages": [{"at": "0x1000", "state": "slab"}],
"processes": [{"id": "p", "pid": 7, "mce_kill": "early", "sigbus": "handler-remaps",
  "maps": [{"id": "m", "va": "0x1000", "size": "4KiB", "kind": "fsdax", "of": "f"}]}],
"events": [
  {"id": "e", "at": "1ms", "do": "mce", "status": {"class": "CE", "cec": 3}, "mcgstatus": {"mcip": false}},
  {"after": {"event": "e", "by": 5}, "do": "dsm", "function": "ars_start", "arguments": {"flags": 1}},
  {"on_access": {"va": 0, "nth": 2}, "do": "store", "process": "p", "va": 0, "full_line": true},
  {"when": {"page": 1, "flag": "hwpoison"}, "every": "1us", "times": 2, "do": "madvise", "process": "p", "va": 0, "advice": "hwpoison"},
  {"at": 0, "do": "mmap", "process": "p", "map": {"va": "0x5000", "size": "4KiB"}},
  {"at": 0, "do": "fork", "process": "p", "child": {"id": "c"}},
  {"at": 0, "do": "call", "function": "dump_page", "arguments": ["0x1"]}],
"expect": {"outcome": "running", "panic": {"re": "x"}, "log": ["a", {"re": "b"}], "no_log": ["c"],
  "signals": {"contains": [{"process": "p", "code": 4}]}, "syscalls": {"e": -5}, "processes": {"p": {"state": "killed"}},
  "pages": [{"pfn": 1, "flags": ["hwpoison"], "users": -1}], "memtypes": {"lacks": ["x"]},
  "direct_map": {"4k_kB": 4, "ranges": [{"pfn": 1, "type": "UC-"}]}, "badblocks": {"region0": "8 1\n"},
  "poison": {"nmem0": [{"dpa": 0, "length": 64}]}, "counters": {"cmci": 1}, "msrs": [{"cpu": 0, "bank": 1}],
  "fates": {"e": "logged"}, "latency": [{"from": "event:e", "to": "event:e", "max": 1}], "class": ["masked"],
  "temporal": [{"never": "panic", "within": "1s"}]}})";

/// Whether reader and schema come to the same answer about `document`, as far as both can.
void agree(const nlohmann::json& document, const Validator& whole, std::size_t& refused, bool part) {
    Document read_document;
    Findings findings;
    read_document.add_source({"s.json", document.dump(), {}});
    auto root = parse(read_document, 0, findings);
    REQUIRE(root);
    read_document.root = *root;
    const bool fits = read(read_document, kScenarioShape, read_document.root, findings).fits_schema;
    const bool accepted = whole.accepts(document);
    const bool accepted_by_part =
        part ? Validator(schema_for(kScenarioShape, document)).accepts(document) : accepted;
    refused += accepted ? 0 : 1;
    if (fits != accepted || accepted != accepted_by_part) {
        CAPTURE(document.dump(), fits, accepted, accepted_by_part);
        FAIL("reader, schema and the part of the schema differ");
    }
}

void each_pointer(const nlohmann::json& value, const nlohmann::json::json_pointer& at,
                  std::vector<nlohmann::json::json_pointer>& out) {
    out.push_back(at);
    if (value.is_object()) {
        for (const auto& [key, child] : value.items()) each_pointer(child, at / key, out);
    } else if (value.is_array()) {
        for (std::size_t i = 0; i < value.size(); ++i) each_pointer(value[i], at / i, out);
    }
}

TEST_CASE("a document that touches every shape is accepted", "[scenario][schema]") {
    CHECK(told(kEverything).empty());
}

TEST_CASE("reader and schema agree about every value replaced by every type", "[scenario][schema]") {
    const nlohmann::json good = nlohmann::json::parse(kEverything);
    const Validator whole(scenario_schema());
    std::vector<nlohmann::json::json_pointer> pointers;
    each_pointer(good, nlohmann::json::json_pointer(""), pointers);
    const nlohmann::json strangers[] = {nullptr, true, 0, 1, -1, 70000, 1.5, 2.0, "", "0x10",
                                        18446744073709551615ull, nlohmann::json::array(),
                                        nlohmann::json::array({1}), nlohmann::json::object(),
                                        {{"x", 1}}};
    std::size_t refused = 0;
    // A third of the pairs, a different one for each value, is enough and takes a third of the time.
    for (std::size_t i = 0; i < pointers.size(); ++i) {
        for (std::size_t k = i % 3; k < std::size(strangers); k += 3) {
            nlohmann::json changed = good;
            changed[pointers[i]] = strangers[k];
            agree(changed, whole, refused, i % 8 == 0);
        }
    }
    CHECK(refused > pointers.size() * 2);
}

TEST_CASE("reader and schema agree about every key taken away or misspelt", "[scenario][schema]") {
    const nlohmann::json good = nlohmann::json::parse(kEverything);
    const Validator whole(scenario_schema());
    std::vector<nlohmann::json::json_pointer> pointers;
    each_pointer(good, nlohmann::json::json_pointer(""), pointers);
    std::size_t refused = 0;
    for (const auto& pointer : pointers) {
        if (pointer.empty() || !good[pointer.parent_pointer()].is_object()) continue;
        nlohmann::json changed = good;
        nlohmann::json& parent = changed[pointer.parent_pointer()];
        const nlohmann::json value = parent[pointer.back()];
        parent.erase(pointer.back());
        agree(changed, whole, refused, false);
        parent[pointer.back() + "x"] = value;
        agree(changed, whole, refused, false);
    }
    CHECK(refused > 100);
}

void each_shape(const Shape& shape, std::set<const Shape*>& seen) {
    if (!seen.insert(&shape).second) return;
    for (const Field& field : shape.fields) each_shape(*field.shape, seen);
    for (const Case& c : shape.cases) {
        for (const Field& field : c.fields) each_shape(*field.shape, seen);
    }
    if (shape.item != nullptr) each_shape(*shape.item, seen);
    for (const Shape* form : shape.forms) each_shape(*form, seen);
}

TEST_CASE("no two shapes of a document have one name", "[scenario][schema]") {
    for (const Shape* root : {&kScenarioShape, &kResultShape}) {
        std::set<const Shape*> shapes;
        each_shape(*root, shapes);
        std::set<std::string> names;
        for (const Shape* shape : shapes) {
            if (shape->name.empty()) continue;
            CAPTURE(shape->name);
            CHECK(names.insert(std::string(shape->name)).second);
            for (const Case& c : shape->cases)
                CHECK(names.insert(std::string(shape->name) + '_' + std::string(c.name)).second);
        }
    }
}

TEST_CASE("every key of a document is explained", "[scenario][schema]") {
    std::set<const Shape*> shapes;
    each_shape(kScenarioShape, shapes);
    each_shape(kResultShape, shapes);
    for (const Shape* shape : shapes) {
        for (const Field& field : shape->fields) {
            CAPTURE(shape->name, field.name);
            CHECK_FALSE(field.doc.empty());
        }
    }
}

TEST_CASE("every discriminator lists its cases in their order", "[scenario][schema]") {
    for (const Shape* shape : {&kEventShape, &kDistributionShape}) {
        const Field* field = find_field(shape->fields, shape->discriminator);
        REQUIRE(field != nullptr);
        REQUIRE(field->shape->choices.size() == shape->cases.size());
        for (std::size_t i = 0; i < shape->cases.size(); ++i)
            CHECK(field->shape->choices[i] == shape->cases[i].name);
    }
}

TEST_CASE("every default and example of the schema is valid itself", "[scenario][schema]") {
    std::set<const Shape*> shapes;
    each_shape(kScenarioShape, shapes);
    const auto check = [](const Field& field, std::string_view json) {
        if (json.empty()) return;
        Document document;
        Findings findings;
        document.add_source({"default", std::string(json), {}});
        auto value = parse(document, 0, findings);
        REQUIRE(value);
        read(document, *field.shape, *value, findings);
        CAPTURE(field.name, json);
        CHECK(findings.empty());
    };
    for (const Shape* shape : shapes) {
        for (const Field& field : shape->fields) {
            check(field, field.fallback);
            check(field, field.example);
        }
        for (const Case& c : shape->cases) {
            for (const Field& field : c.fields) {
                check(field, field.fallback);
                check(field, field.example);
            }
        }
    }
}

TEST_CASE("the schema of results accepts a result and nothing beside it", "[scenario][schema]") {
    const Validator validator(result_schema());
    nlohmann::json result = nlohmann::json::parse(R"({
  "schema": "mcemu/result/1", "scenario": "s", "profile": "v4.19", "seed": 1, "version": "1",
  "outcome": "running", "panic": null, "class": "recovered", "end_ns": 1034211,
  "log": [{"t_ns": 1, "level": 6, "text": "x"}],
  "signals": [{"t_ns": 1, "process": "p", "pid": 1, "signal": "SIGBUS", "code": "BUS_MCEERR_AR", "addr": "0x0", "lsb": 21}],
  "syscalls": [{"event": "e1", "name": "madvise", "ret": -5, "errno": "EIO"}],
  "processes": [{"id": "p", "pid": 1, "state": "killed", "by": "SIGBUS"}],
  "events": [{"id": "e1", "t_ns": 1, "fate": "consumed", "because": "x"}],
  "pages": [{"pfn": "0x200000", "flags": ["hwpoison"], "users": 1}],
  "memtypes": ["uncached-minus @ 0x200000000-0x200001000"],
  "direct_map": {"4k_kB": 0, "2M_kB": 0, "1G_kB": 0, "ranges": [{"pfn": "0x200000", "pages": 1, "type": "UC-"}]},
  "badblocks": {"namespace0.0": "8 1\n"}, "poison": {"nmem0": [{"dpa": "0x1000", "length": 256}]},
  "counters": {"cmci": 0}, "msrs": [{"cpu": 0, "bank": 1, "status": "0x0", "addr": "0x0", "misc": "0x0"}],
  "latency": [{"from": "event:e1", "to": "signal:p", "ns": 3, "phases": [{"name": "kernel.unmap", "ns": 4}]}],
  "accesses": [{"t_ns": 5, "event": "e1", "result": "ok"}],
  "expect": [{"at": "/expect/outcome", "ok": true}]})");
    CHECK(validator.refusals(result).empty());
    result["more"] = 1;
    CHECK_FALSE(validator.accepts(result));
}

}  // namespace
}  // namespace mcemu::scenario
