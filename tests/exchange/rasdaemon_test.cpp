// rasdaemon's database to scenarios, and results to it (mce-inject-format.md 2).
#include <SQLiteCpp/SQLiteCpp.h>
#include <sqlite3.h>

#include <catch2/catch.hpp>

#include "exchange/dmesg_import.hpp"
#include "exchange/rasdaemon_export.hpp"

namespace mcemu::exchange {
namespace {

using Json = nlohmann::ordered_json;

std::string database(const std::string& sql) {
    SQLite::Database db(":memory:", SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
    db.exec(sql);
    sqlite3_int64 size = 0;
    unsigned char* bytes = sqlite3_serialize(db.getHandle(), "main", &size, 0);
    std::string out(reinterpret_cast<char*>(bytes), static_cast<std::size_t>(size));
    sqlite3_free(bytes);
    return out;
}

Json imported(const std::string& bytes) {
    const scenario::Imported out = import_rasdaemon("d", bytes);
    for (const scenario::Finding& f : out.findings) UNSCOPED_INFO(f.wrong);
    REQUIRE(out.scenario);
    return *out.scenario;
}
std::string refused(const std::string& bytes) {
    const scenario::Imported out = import_rasdaemon("d", bytes);
    CHECK_FALSE(out.scenario);
    REQUIRE(out.findings.size() == 1);
    return out.findings[0].wrong;
}

// rasdaemon 0.6.8, and 0.8 with ppin and microcode in between.
const std::string kOld =
    "CREATE TABLE mce_record (id INTEGER PRIMARY KEY, timestamp TEXT, mcgcap INTEGER, mcgstatus "
    "INTEGER, status INTEGER, addr "
    "INTEGER, misc INTEGER, ip INTEGER, tsc INTEGER, walltime INTEGER, cpu INTEGER, cpuid INTEGER, "
    "apicid INTEGER, socketid "
    "INTEGER, cs INTEGER, bank INTEGER, cpuvendor INTEGER, bank_name TEXT, error_msg TEXT, "
    "mcgstatus_msg TEXT, mcistatus_msg "
    "TEXT, mcastatus_msg TEXT, user_action TEXT, mc_location TEXT);"
    "INSERT INTO mce_record VALUES (NULL, '2018-12-20 13:38:32 +0000', 251661332, 7, "
    "-4791830003521158860, 60505419840, 134, "
    "4198710, 1000, 1545313112, 3, 329303, 6, 0, 51, 1, 0, '', '', '', '', '', '', '');";
const std::string kNew =
    "CREATE TABLE mce_record (id INTEGER PRIMARY KEY, timestamp TEXT, mcgcap INTEGER, mcgstatus "
    "INTEGER, status INTEGER, addr "
    "INTEGER, misc INTEGER, ip INTEGER, tsc INTEGER, walltime INTEGER, ppin INTEGER, cpu INTEGER, "
    "cpuid INTEGER, apicid "
    "INTEGER, socketid INTEGER, cs INTEGER, bank INTEGER, cpuvendor INTEGER, microcode INTEGER, "
    "bank_name TEXT, error_msg "
    "TEXT, mcgstatus_msg TEXT, mcistatus_msg TEXT, mcastatus_msg TEXT, user_action TEXT, "
    "mc_location TEXT);"
    "INSERT INTO mce_record VALUES (NULL, '2018-12-20 13:38:32 +0000', 251661332, 7, "
    "-4791830003521158860, 60505419840, 134, "
    "4198710, 1000, 1545313112, 0, 3, 329303, 6, 0, 51, 1, 0, 83898374, '', '', '', '', '', '', "
    "'');";

TEST_CASE("records are read by column name from either schema", "[exchange][rasdaemon]") {
    for (const std::string* sql : {&kOld, &kNew}) {
        const Json s = imported(database(*sql));
        REQUIRE(s["events"].size() == 1);
        const Json& e = s["events"][0];
        CHECK(e["cpu"] == 3);
        CHECK(e["bank"] == 1);
        CHECK(e["status"] == "0xbd80000000100134");
        CHECK(e["addr"] == "0xe16677040");
        CHECK(e["mcgstatus"] == "0x7");
        CHECK(e["cs"] == "0x33");
        CHECK(e["poll"] == false);
        CHECK(s["machine"]["cpus"]["cpuid"] == "0x50657");
        CHECK(s["machine"]["wall_time"] == 1545313112);
    }
    CHECK(imported(database(kNew))["machine"]["cpus"]["microcode"] == "0x5003006");
}

TEST_CASE("page failures are expected, and their pages what they were", "[exchange][rasdaemon]") {
    const scenario::Imported out = import_rasdaemon(
        "d", database(kOld + "CREATE TABLE memory_failure_event (id INTEGER PRIMARY KEY, timestamp "
                             "TEXT, pfn TEXT, page_type "
                             "TEXT, action_result TEXT);"
                             "INSERT INTO memory_failure_event VALUES (NULL, '2018-12-20 13:38:33 "
                             "+0000', '0xe16677', 'huge page', 'Recovered');"));
    REQUIRE(out.scenario);
    CHECK(out.scenario->at("events").size() == 1);
    CHECK(out.scenario->at("processes")[0]["maps"][0]["kind"] == "hugetlb");
    REQUIRE(out.seen.size() == 1);
    CHECK(out.seen[0].want == "Memory failure: 0xe16677: recovery action for huge page: Recovered");
}

TEST_CASE("EDAC's and extlog's events become errors of their own", "[exchange][rasdaemon]") {
    const Json s =
        imported(database("CREATE TABLE mc_event (id INTEGER PRIMARY KEY, timestamp TEXT, "
                          "err_count INTEGER, err_type TEXT, err_msg TEXT, label "
                          "TEXT, mc INTEGER, top_layer INTEGER, middle_layer INTEGER, lower_layer "
                          "INTEGER, address INTEGER, grain INTEGER, "
                          "syndrome INTEGER, driver_detail TEXT);"
                          "INSERT INTO mc_event VALUES (1, '2018-12-20 13:38:32 +0100', 2, "
                          "'Corrected', 'memory read error', 'L', 0, 0, 0, -1, "
                          "104251663424, 5, 0, ' err_code:0x0101:0x0090');"
                          "CREATE TABLE extlog_event (id INTEGER PRIMARY KEY, timestamp TEXT, "
                          "etype INTEGER, error_count INTEGER, severity "
                          "INTEGER, address INTEGER, fru_id BLOB, fru_text TEXT, cper_data BLOB);"
                          "INSERT INTO extlog_event VALUES (1, '2018-12-20 13:38:42 +0100', 2, 1, "
                          "2, 4096, x'00', 'f', x'00');"));
    REQUIRE(s["events"].size() == 2);
    CHECK(s["events"][0]["status"] == "0x9c00008001010090");
    CHECK(s["events"][1]["do"] == "cper");
    CHECK(s["events"][1]["severity"] == "corrected");
    CHECK(s["events"][1]["at"] == "10.001s");
}

TEST_CASE("what is no database of rasdaemon is refused in one line", "[exchange][rasdaemon]") {
    CHECK(refused("") == "the file is empty");
    CHECK(refused("hello") == "this is no SQLite database");
    CHECK(refused(database("CREATE TABLE t (a)")) == "no table of rasdaemon's is in it, but t");
    CHECK(refused(database("CREATE TABLE mce_record (id INTEGER PRIMARY KEY)")) ==
          "no row is in rasdaemon's tables");
    CHECK(refused(database("CREATE TABLE mce_record (x)")) ==
          "the table mce_record has none of rasdaemon's columns");
    std::string torn = database(kOld);
    CHECK(refused(torn.substr(0, torn.size() / 2)).starts_with("the database is damaged"));
    for (std::size_t i = 100; i < torn.size(); ++i) torn[i] = 'x';
    CHECK(refused(torn).starts_with("the database is damaged"));
    CHECK(refused(database("CREATE VIEW mce_record AS SELECT 1 AS id"))
              .starts_with("no table of rasdaemon's"));
}

TEST_CASE("rows of other tables, other vendors and software banks are left out, and said",
          "[exchange][rasdaemon]") {
    const scenario::Imported out = import_rasdaemon(
        "d",
        database(
            kOld +
            "INSERT INTO mce_record (bank, cpuvendor, bank_name) VALUES (128, 0, 'THERMAL EVENT');"
            "INSERT INTO mce_record (bank, cpuvendor, cpuid) VALUES (21, 2, 10883858);"
            "CREATE TABLE aer_event (id INTEGER PRIMARY KEY, timestamp TEXT, dev_name TEXT, "
            "err_type TEXT, err_msg TEXT);"
            "INSERT INTO aer_event VALUES (NULL, '', 'd', 'Corrected', 'x');"));
    REQUIRE(out.scenario);
    CHECK(out.scenario->at("events").size() == 1);
    std::string lost;
    for (const scenario::Finding& f : out.lost) lost += f.wrong + "\n";
    CHECK(lost.find("THERMAL EVENT") != std::string::npos);
    CHECK(lost.find("1 row of aer_event") != std::string::npos);
    CHECK(lost.find("vendor 2 is not modelled") != std::string::npos);
}

TEST_CASE("values of odd types are taken where they are numbers, and told where not",
          "[exchange][rasdaemon]") {
    const scenario::Imported out = import_rasdaemon(
        "d", database("CREATE TABLE mce_record (status INTEGER, bank INTEGER, id INTEGER PRIMARY "
                      "KEY, timestamp TEXT, cpu INTEGER, addr INTEGER, misc INTEGER);"
                      "INSERT INTO mce_record VALUES ('0x8c00004000010091', '7', 1, "
                      "'2020-01-01 00:00:00 +0000', 1.0, x'00ff', 134);"
                      "CREATE TABLE mc_event (id INTEGER PRIMARY KEY, timestamp TEXT, err_count "
                      "INTEGER, err_type TEXT, label TEXT, address INTEGER);"
                      "INSERT INTO mc_event VALUES (NULL, NULL, 1, 'Deferred', NULL, 4096);"
                      "INSERT INTO mc_event VALUES (NULL, '2020-01-01 00:00:00 +0000', 1, 'Fatal', "
                      "NULL, -4096);"));
    REQUIRE(out.scenario);
    std::string lost;
    for (const scenario::Finding& f : out.lost) lost += f.wrong + "\n";
    INFO(lost);
    const Json& events = (*out.scenario)["events"];
    REQUIRE(events.size() == 3);
    // Without a time it comes first, with the first that has one.
    CHECK(events[0]["addr"] == "0x1000");
    CHECK(events[0]["at"] == "1ms");
    CHECK(events[1]["at"] == "1ms");
    CHECK(events[1]["status"] == "0x8c00004000010091");
    CHECK(events[1]["bank"] == 7);
    CHECK(events[1]["cpu"] == 1);
    CHECK(events[1]["addr"] == "0x0");
    CHECK(lost.find("row 1 of mce_record: addr, which is no number") != std::string::npos);
    CHECK(lost.find("no column of mce_record: mcgcap, mcgstatus") != std::string::npos);
    CHECK(lost.find("row 1 of mc_event: that its type is Deferred") != std::string::npos);
    CHECK(lost.find("EDAC's address is beyond any memory") != std::string::npos);
    CHECK(lost.find("more than a day") == std::string::npos);
}

TEST_CASE("a run's records survive the way through the database", "[exchange][rasdaemon]") {
    const nlohmann::json result = nlohmann::json::parse(R"({"scenario": "r", "outcome": "running",
        "platform": {"wall_time": 1545313112, "mcgcap": "0xf000c14", "edac": true},
        "records": [{"t_ns": 5000000000, "cpu": 3, "bank": 7, "status": "0x9c00004001010090", "mcgstatus": "0x0",
                     "addr": "0x1845e22440", "misc": "0x86", "cs": "0x0", "ip": "0x0", "tsc": "0x10", "time": 1545313117,
                     "cpuid": "0x50657", "socketid": 0, "apicid": 3, "microcode": "0x5003006", "ppin": "0x0"}],
        "log": [{"t_ns": 6000000000, "level": 3, "text": "Memory failure: 0x1845e22: recovery action for clean LRU page: Recovered"}]})");
    const Exported db = rasdaemon_of(result);
    CHECK(rasdaemon_of(result).text == db.text);
    const Json s = imported(db.text);
    REQUIRE(s["events"].size() == 1);
    CHECK(s["events"][0]["status"] == "0x9c00004001010090");
    CHECK(s["events"][0]["addr"] == "0x1845e22440");
    CHECK(s["machine"]["wall_time"] == 1545313117);
}

}  // namespace
}  // namespace mcemu::exchange
