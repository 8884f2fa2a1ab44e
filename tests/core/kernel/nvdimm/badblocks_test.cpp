// Source: nvdimm.md 11.2 and its worked examples A.4; the sequences were recorded by running the
// table code of Linux 6.1.
#include "core/kernel/nvdimm/badblocks.hpp"

#include <catch2/catch.hpp>
#include <cerrno>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <random>
#include <set>
#include <sstream>

using mcemu::BadblocksModel;
using mcemu::kernel::Badblocks;

namespace {

/// "10+5 20+5u": what the examples write.
std::string rows(const Badblocks& table) {
    std::ostringstream out;
    for (const Badblocks::Row& row : table.rows())
        out << (out.tellp() > 0 ? " " : "") << row.start << '+' << row.length
            << (row.acknowledged ? "" : "u");
    return out.str();
}

/// Runs "set 10 5; set 12 1 0; clear 3 4": the last number of a set is the acknowledgement.
Badblocks run(const std::string& operations) {
    Badblocks table;
    std::istringstream lines(operations);
    for (std::string line; std::getline(lines, line, ';');) {
        std::istringstream words(line);
        std::string operation;
        std::uint64_t sector = 0, length = 0;
        int ack = 1;
        words >> operation >> sector >> length;
        if (!(words >> ack)) ack = 1;
        if (operation == "set") CHECK(table.set(sector, length, ack != 0) == 0);
        else CHECK(table.clear(sector, length) == 0);
    }
    return table;
}

Badblocks every_third(int count) {
    Badblocks table;
    for (int i = 0; i < count; ++i) table.set(static_cast<std::uint64_t>(3 * i), 1, true);
    return table;
}

}  // namespace

TEST_CASE("the table of 6.1 does what the worked examples show", "[core][nvdimm]") {
    const auto [operations, expected] = GENERATE(table<std::string, std::string>({
        {"set 10 5; set 15 5", "10+10"},
        {"set 10 5; set 16 4", "10+5 16+4"},
        {"set 10 5; set 12 1 0", "10+5u"},
        {"set 10 5 0; set 10 5", "10+5"},
        {"set 10 5 0; set 8 10", "8+10"},
        {"set 10 5 0; set 11 2", "10+5u"},
        {"set 10 5; set 20 5; set 15 5", "10+15"},
        {"set 0 256; set 256 256", "0+512"},
        {"set 0 256; set 300 212; set 256 44", "0+300 300+212"},
        {"set 0 511; set 511 2", "0+512 512+1"},
        {"set 0 512; set 512 1", "0+512 512+1"},
        {"set 0 512; set 10 5 0", "0+512u"},
        {"set 0 512; set 100 600 0", "0+512 512+188u"},
        {"set 0 1025", "1024+1 512+512 0+512"},
        {"set 0 1024; clear 100 8", "512+512 0+100 108+404"},
        {"set 100 600", "612+88 100+512"},
        {"set 600 10; set 0 700", "0+512 512+188"},
        {"set 0 10; set 20 5; set 5 50", "0+25"},
        {"set 0 10; set 20 5; set 40 5; set 5 100", "0+25 40+5"},
        {"set 0 300; set 400 300; set 250 200", "0+450 400+300"},
        {"set 0 100; clear 40 8", "0+40 48+52"},
        {"set 0 100; clear 0 40", "40+60"},
        {"set 0 100; clear 60 40", "0+60"},
        {"set 10 5; set 20 5; set 30 5; clear 12 20", "10+2 32+3"},
        {"set 10 5; clear 20 5", "10+5"},
        {"set 42 1; set 43 1; set 44 1; set 45 1; set 46 1; set 47 1; set 48 1; set 49 1", "42+8"},
    }));
    CAPTURE(operations);
    CHECK(rows(run(operations)) == expected);
}

TEST_CASE("a long range in falling order hides its sectors from the check", "[core][nvdimm]") {
    const Badblocks table = run("set 0 1024; clear 100 8");  // A.4 row 50
    const Badblocks::Finding first = table.check(0, 1);
    CHECK(first.result == 1);
    CHECK(first.first_bad == 0);
    CHECK(first.bad_sectors == 100);
    CHECK(table.check(600, 1).result == 0);
}

// By hand from badblocks_set(): the last range leaves [1024, 1112) in front of the row [1, 513), and
// 88 + 512 - (1112 - 1) sectors are 511 less than nothing.
TEST_CASE("glueing rows of an unsorted table can make a row out of nothing", "[core][nvdimm]") {
    Badblocks table;
    CHECK(table.set(1, 1025, true) == 0);
    CHECK(table.set(0, 1025, true) == 0);
    CHECK(table.set(512, 600, true) == 0);
    CHECK(table.show(false).text == "0 512\n1024 2\n512 512\n18014398509481983 1\n");
}

TEST_CASE("a check tells rows without acknowledgement apart", "[core][nvdimm]") {
    const Badblocks table = run("set 5 3 0; set 20 4");  // A.4 row 60
    const Badblocks::Finding all = table.check(0, 30);
    CHECK(all.result == -1);
    CHECK(all.first_bad == 5);
    CHECK(all.bad_sectors == 3);
    CHECK(table.check(22, 1).result == 1);
    CHECK(table.check(8, 12).result == 0);
}

TEST_CASE("acknowledging waits until the change was seen", "[core][nvdimm]") {
    Badblocks table = run("set 5 3 0");  // A.4 row 61
    table.ack_all();
    CHECK(rows(table) == "5+3u");
    table.set_changed(false);
    table.ack_all();
    CHECK(rows(table) == "5+3");
}

TEST_CASE("a full table takes no more rows", "[core][nvdimm]") {
    Badblocks table = every_third(512);  // A.4 row 62
    CHECK(table.set(2000, 1, true) == 1);
    CHECK(table.rows().size() == 512);
}

TEST_CASE("a split in a full table fails and changes nothing", "[core][nvdimm]") {
    Badblocks table = every_third(511);  // A.4 row 63
    table.set(1533, 3, true);
    const std::string before = rows(table);
    CHECK(table.clear(1534, 1) == -ENOSPC);
    CHECK(rows(table) == before);
    CHECK(table.clear(1533, 1) == 0);
}

TEST_CASE("a shift rounds sets out and clears in", "[core][nvdimm]") {
    Badblocks table(BadblocksModel::linux_6_1, 3);  // A.4 rows 64, 65
    table.set(8, 16, true);
    CHECK(table.clear(9, 16) == 0);
    CHECK(rows(table) == "1+1");
    CHECK(table.text() == "8 8\n");
}

TEST_CASE("a negative shift disables the table", "[core][nvdimm]") {
    Badblocks table(BadblocksModel::linux_6_1, -1);  // A.4 row 66
    CHECK(table.set(0, 5, true) == 1);
    CHECK(table.text().empty());
}

TEST_CASE("writing the attribute wants a sector, a length and at most a newline",
          "[core][nvdimm]") {
    Badblocks table;  // A.4 row 67
    CHECK(table.store("5 1\n", false) == 4);
    CHECK(table.store("5 1", false) == 3);
    CHECK(table.store("5 0\n", false) == -EINVAL);
    CHECK(table.store("5 1x", false) == -EINVAL);
    CHECK(table.store("5\n", false) == -EINVAL);
    CHECK(table.store("5 1 \n", false) == -EINVAL);
    CHECK(rows(table) == "5+1");
}

TEST_CASE("every recorded sequence ends in the recorded table", "[core][nvdimm]") {
    std::ifstream file(MCEMU_BADBLOCKS_SEQUENCES);
    const auto sequences = nlohmann::json::parse(file);
    REQUIRE(sequences.size() == 250);
    for (const auto& sequence : sequences) {
        CAPTURE(sequence.at("id").get<std::string>());
        Badblocks table(BadblocksModel::linux_6_1, sequence.at("shift").get<int>());
        for (const auto& op : sequence.at("ops")) {
            CAPTURE(op.dump());
            const auto what = op.at("op").get<std::string>();
            const auto number = [&op](const char* key) { return op.at(key).get<std::uint64_t>(); };
            if (what == "set") {
                REQUIRE(table.set(number("sector"), number("len"), number("ack") != 0) ==
                        op.at("rc").get<int>());
            } else if (what == "clear") {
                REQUIRE(table.clear(number("sector"), number("len")) == op.at("rc").get<int>());
            } else if (what == "check") {
                const Badblocks::Finding found = table.check(number("sector"), number("len"));
                REQUIRE(found.result == op.at("rc").get<int>());
                if (found.result != 0) {
                    REQUIRE(found.first_bad == number("first_bad"));
                    REQUIRE(found.bad_sectors == number("bad_sectors"));
                }
            } else if (what == "store") {
                REQUIRE(table.store(op.at("text").get<std::string>(), number("unack") != 0) ==
                        op.at("rc").get<int>());
            } else if (what == "ack_all") {
                table.ack_all();
            } else {
                REQUIRE(what == "set_changed");
                table.set_changed(number("value") != 0);
            }
        }
        CHECK(table.unacked_exist() == (sequence.at("unacked_exist").get<int>() != 0));
        CHECK(table.changed() == (sequence.at("changed").get<int>() != 0));
        REQUIRE(table.rows().size() == sequence.at("count").get<std::size_t>());
        // Long tables are recorded by their listing only.
        const bool listed = sequence.at("table").is_null();
        for (std::size_t i = 0; !listed && i < table.rows().size(); ++i) {
            const auto& row = sequence.at("table").at(i);
            CHECK(table.rows()[i] == Badblocks::Row{row.at(0).get<std::uint64_t>(),
                                                    row.at(1).get<std::uint64_t>(),
                                                    row.at(2).get<int>() != 0});
        }
        const Badblocks::Listing plain = table.show(false);
        CHECK(plain.result == sequence.at("show_rc").get<int>());
        CHECK(plain.text == sequence.at("sysfs_badblocks").get<std::string>());
        const Badblocks::Listing unacknowledged = table.show(true);
        CHECK(unacknowledged.result == sequence.at("show_unack_rc").get<int>());
        CHECK(unacknowledged.text == sequence.at("sysfs_unacknowledged").get<std::string>());
    }
}

TEST_CASE("the ideal table stays sorted and loses nothing", "[core][nvdimm]") {
    std::mt19937 random(1);
    for (int round = 0; round < 50; ++round) {
        Badblocks table(BadblocksModel::ideal);
        std::set<std::uint64_t> bad, open;  // sectors; those ever set without acknowledgement
        for (int step = 0; step < 40; ++step) {
            const std::uint64_t begin = random() % 3000, length = 1 + random() % 900;
            if (random() % 3 == 0) {
                REQUIRE(table.clear(begin, length) == 0);
                bad.erase(bad.lower_bound(begin), bad.lower_bound(begin + length));
            } else {
                const bool ack = random() % 4 != 0;
                REQUIRE(table.set(begin, length, ack) == 0);
                for (std::uint64_t s = begin; s < begin + length; ++s) bad.insert(s);
                if (!ack) open.insert(begin);
            }
            std::set<std::uint64_t> got;
            std::uint64_t end = 0;
            for (const Badblocks::Row& row : table.rows()) {
                REQUIRE(row.start >= end);
                REQUIRE(row.length >= 1);
                REQUIRE(row.length <= Badblocks::kMaxLength);
                end = row.end();
                for (std::uint64_t s = row.start; s < end; ++s) got.insert(s);
                if (open.empty()) REQUIRE(row.acknowledged);
            }
            REQUIRE(got == bad);
            const std::uint64_t from = random() % 3000, many = 1 + random() % 64;
            const bool any = bad.lower_bound(from) != bad.lower_bound(from + many);
            REQUIRE((table.check(from, many).result != 0) == any);
        }
    }
}

// nvdimm.md 11.2: what the kernel forgets, or stores out of order, the ideal table keeps.
TEST_CASE("the ideal table where the kernel's goes wrong", "[core][nvdimm]") {
    const auto after = [](std::initializer_list<std::pair<std::uint64_t, std::uint64_t>> sets) {
        Badblocks table(BadblocksModel::ideal);
        for (const auto& [s, n] : sets) table.set(s, n, true);
        return table.text();
    };
    CHECK(after({{0, 1025}}) == "0 512\n512 512\n1024 1\n");
    CHECK(after({{0, 10}, {20, 5}, {5, 50}}) == "0 55\n");
    CHECK(after({{0, 256}, {300, 212}, {256, 44}}) == "0 300\n300 212\n");  // as the kernel has it
    CHECK(after({{0, 300}, {400, 300}, {250, 200}}) == "0 512\n512 188\n");
}
