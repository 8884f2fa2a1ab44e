#include "exchange/rasdaemon_export.hpp"

#include <SQLiteCpp/SQLiteCpp.h>
#include <sqlite3.h>

#include <map>
#include <stdexcept>

#include "core/mca/status.hpp"
#include "core/units.hpp"
#include "formats/scan.hpp"
#include "output/mcacod.hpp"
#include "scenario/quantity.hpp"

namespace mcemu::exchange {
namespace {

using nlohmann::json;

// Columns in rasdaemon's order.
constexpr const char* kTables[] = {
    "CREATE TABLE mc_event (id INTEGER PRIMARY KEY, timestamp TEXT, err_count INTEGER, err_type "
    "TEXT, err_msg TEXT, "
    "label TEXT, mc INTEGER, top_layer INTEGER, middle_layer INTEGER, lower_layer INTEGER, address "
    "INTEGER, "
    "grain INTEGER, syndrome INTEGER, driver_detail TEXT)",
    "CREATE TABLE aer_event (id INTEGER PRIMARY KEY, timestamp TEXT, dev_name TEXT, err_type TEXT, "
    "err_msg TEXT)",
    "CREATE TABLE extlog_event (id INTEGER PRIMARY KEY, timestamp TEXT, etype INTEGER, error_count "
    "INTEGER, "
    "severity INTEGER, address INTEGER, fru_id BLOB, fru_text TEXT, cper_data BLOB)",
    "CREATE TABLE mce_record (id INTEGER PRIMARY KEY, timestamp TEXT, mcgcap INTEGER, mcgstatus "
    "INTEGER, "
    "status INTEGER, addr INTEGER, misc INTEGER, ip INTEGER, tsc INTEGER, walltime INTEGER, ppin "
    "INTEGER, cpu INTEGER, "
    "cpuid INTEGER, apicid INTEGER, socketid INTEGER, cs INTEGER, bank INTEGER, cpuvendor INTEGER, "
    "microcode INTEGER, "
    "bank_name TEXT, error_msg TEXT, mcgstatus_msg TEXT, mcistatus_msg TEXT, mcastatus_msg TEXT, "
    "user_action TEXT, "
    "mc_location TEXT)",
    "CREATE TABLE non_standard_event (id INTEGER PRIMARY KEY, timestamp TEXT, sec_type BLOB, "
    "fru_id BLOB, "
    "fru_text TEXT, severity TEXT, error BLOB)",
    "CREATE TABLE arm_event (id INTEGER PRIMARY KEY, timestamp TEXT, error_count INTEGER, affinity "
    "INTEGER, "
    "mpidr INTEGER, running_state INTEGER, psci_state INTEGER)",
    "CREATE TABLE devlink_event (id INTEGER PRIMARY KEY, timestamp TEXT, bus_name TEXT, dev_name "
    "TEXT, "
    "driver_name TEXT, reporter_name TEXT, msg TEXT)",
    "CREATE TABLE disk_errors (id INTEGER PRIMARY KEY, timestamp TEXT, dev TEXT, sector INTEGER, "
    "nr_sector INTEGER, "
    "error TEXT, rwbs TEXT, cmd TEXT)",
    "CREATE TABLE memory_failure_event (id INTEGER PRIMARY KEY, timestamp TEXT, pfn TEXT, "
    "page_type TEXT, "
    "action_result TEXT)",
};

std::uint64_t number(const json& from, const char* key, std::uint64_t otherwise = 0) {
    const auto at = from.find(key);
    if (at == from.end()) return otherwise;
    if (at->is_number_integer()) return static_cast<std::uint64_t>(at->get<std::int64_t>());
    if (at->is_string())
        if (const auto parsed = scenario::parse_address(at->get_ref<const std::string&>());
            parsed.value)
            return *parsed.value;
    return otherwise;
}
std::int64_t as_signed(std::uint64_t value) { return static_cast<std::int64_t>(value); }

/// "2018-12-20 13:38:32 +0000", of seconds since 1970.
std::string timestamp(std::uint64_t seconds) {
    const std::uint64_t of_day = seconds % 86400;
    std::int64_t z =
        static_cast<std::int64_t>(std::min<std::uint64_t>(seconds / 86400, 2'900'000)) + 719468;
    const std::int64_t era = z / 146097;
    const std::int64_t doe = z - era * 146097;
    const std::int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    const std::int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    const std::int64_t mp = (5 * doy + 2) / 153;
    const std::int64_t day = doy - (153 * mp + 2) / 5 + 1, month = mp < 10 ? mp + 3 : mp - 9;
    const std::int64_t year = yoe + era * 400 + (month <= 2);
    const auto padded = [](std::int64_t n, std::size_t width) {
        std::string text = std::to_string(n);
        return std::string(width - std::min(width, text.size()), '0') + text;
    };
    return padded(year, 4) + "-" + padded(month, 2) + "-" + padded(day, 2) + " " +
           padded(static_cast<std::int64_t>(of_day / 3600), 2) + ":" +
           padded(static_cast<std::int64_t>(of_day / 60 % 60), 2) + ":" +
           padded(static_cast<std::int64_t>(of_day % 60), 2) + " +0000";
}

class Exporter {
public:
    explicit Exporter(const json& result)
        : result_(result), db_(":memory:", SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE) {}

    Exported run() {
        db_.exec("PRAGMA page_size = 4096");
        for (const char* table : kTables) db_.exec(table);
        platform_ = result_.value("platform", json::object());
        wall_time_ = number(platform_, "wall_time", 1530000000);
        if (!result_.contains("platform"))
            lose("the result does not say when it began: 2018-06-26 08:00:00");
        {
            SQLite::Transaction all(db_);
            records();
            failures();
            all.commit();
        }
        sqlite3_int64 size = 0;
        const std::unique_ptr<unsigned char, void (*)(void*)> bytes(
            sqlite3_serialize(db_.getHandle(), "main", &size, 0), sqlite3_free);
        if (!bytes)
            throw std::runtime_error("SQLite cannot serialize a database of " +
                                     std::to_string(size) + " bytes");
        Exported out;
        out.text.assign(reinterpret_cast<const char*>(bytes.get()), static_cast<std::size_t>(size));
        for (const auto& [what, n] : lost_)
            out.lost.push_back(what + (n > 1 ? " (" + std::to_string(n) + " times)" : ""));
        return out;
    }

private:
    void lose(const std::string& what) { ++lost_[what]; }
    std::string when(const json& of) const {
        return timestamp(wall_time_ + number(of, "t_ns") / 1'000'000'000);
    }

    void records() {
        const auto list = result_.find("records");
        if (list == result_.end()) return;
        SQLite::Statement insert(db_,
                                 "INSERT INTO mce_record VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, "
                                 "?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
        const bool edac = platform_.value("edac", false);
        if (result_["outcome"] == "panic" && !list->empty())
            lose(
                "a daemon does not outlive a panic: what was recorded then is in the database all "
                "the same");
        for (const json& r : *list) {
            output::McaRegisters regs;
            regs.status = number(r, "status");
            regs.mcgstatus = number(r, "mcgstatus");
            regs.addr = number(r, "addr");
            regs.misc = number(r, "misc");
            regs.mcgcap = number(platform_, "mcgcap", regs.mcgcap);
            regs.cpuid = static_cast<std::uint32_t>(number(r, "cpuid", regs.cpuid));
            const auto bank = as_signed(number(r, "bank"));
            if (bank >= 0) regs.bank = static_cast<unsigned>(bank);
            regs.cpu = static_cast<unsigned>(number(r, "cpu"));
            regs.socket = static_cast<unsigned>(number(r, "socketid"));
            const output::RasdaemonColumns words = output::rasdaemon_columns(regs);
            int n = 0;
            const auto bind = [&](std::int64_t value) { insert.bind(++n, value); };
            insert.bind(++n, when(r));
            bind(static_cast<std::int32_t>(regs.mcgcap));  // rasdaemon stores these through 32 bits
            bind(static_cast<std::int32_t>(regs.mcgstatus));
            bind(as_signed(regs.status));
            bind(as_signed(regs.addr));
            bind(as_signed(regs.misc));
            bind(as_signed(number(r, "ip")));
            bind(as_signed(number(r, "tsc")));
            bind(as_signed(number(r, "time", wall_time_ + number(r, "t_ns") / 1'000'000'000)));
            bind(as_signed(number(r, "ppin")));
            bind(static_cast<std::int32_t>(number(r, "cpu")));
            bind(static_cast<std::int32_t>(regs.cpuid));
            bind(static_cast<std::int32_t>(number(r, "apicid")));
            bind(static_cast<std::int32_t>(regs.socket));
            bind(static_cast<std::int32_t>(number(r, "cs")));
            bind(bank & 0xff);  // the trace point has 8 bits
            bind(0);            // Intel
            bind(static_cast<std::int32_t>(number(r, "microcode")));
            for (const std::string& text :
                 {std::string(), words.error_msg, words.mcgstatus_msg, words.mcistatus_msg,
                  words.mcastatus_msg, words.user_action, words.mc_location})
                insert.bind(++n, text);
            insert.exec();
            insert.reset();
            if (edac && bank >= 0) memory_event(r, regs);
        }
        if (!list->empty() && !edac) lose("no EDAC driver was loaded: mc_event is empty");
    }

    /// As skx_edac tells the trace point, for codes of memory controllers (mce.md 8.2).
    void memory_event(const json& r, const output::McaRegisters& regs) {
        const auto code = static_cast<unsigned>(regs.status & 0xefff);
        if ((code & 0xff80) != 0x80 || !(regs.status & mca::MCI_STATUS_ADDRV)) return;
        static constexpr const char* kKinds[] = {"generic undef request error", "memory read error",
                                                 "memory write error", "addr/cmd error",
                                                 "memory scrubbing error"};
        const unsigned kind = (code >> 4) & 7, channel = code & 0xf;
        const bool uncorrected = regs.status & mca::MCI_STATUS_UC;
        const unsigned mc = regs.socket * 2 + (regs.bank == 8u ? 1 : 0);
        const std::uint64_t count =
            uncorrected ? 1 : (regs.status & mca::MCI_STATUS_CEC_MASK) >> mca::MCI_STATUS_CEC_SHIFT;
        const bool fatal = uncorrected && !(regs.mcgstatus & mca::MCG_STATUS_RIPV);
        char codes[32];
        std::snprintf(codes, sizeof codes, " err_code:0x%04x:0x%04x",
                      static_cast<unsigned>(regs.status >> 16) & 0xffff,
                      static_cast<unsigned>(regs.status) & 0xffff);
        SQLite::Statement insert(
            db_, "INSERT INTO mc_event VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
        int n = 0;
        insert.bind(++n, when(r));
        insert.bind(++n, as_signed(std::max<std::uint64_t>(1, count)));
        insert.bind(++n, std::string(fatal ? "Fatal" : uncorrected ? "Uncorrected" : "Corrected"));
        insert.bind(++n, std::string(kind < std::size(kKinds) ? kKinds[kind] : "unknown error"));
        insert.bind(++n, "CPU_SrcID#" + std::to_string(regs.socket) + "_MC#" +
                             std::to_string(mc % 2) + "_Chan#" + std::to_string(channel % 3) +
                             "_DIMM#0");
        insert.bind(++n, as_signed(mc));
        insert.bind(++n, as_signed(channel == 15 ? 0 : channel));
        insert.bind(++n, 0);
        insert.bind(++n, -1);
        insert.bind(++n, as_signed(regs.addr));
        insert.bind(++n, 5);  // log2 of 32 bytes
        insert.bind(++n, 0);
        insert.bind(++n, std::string(regs.status & mca::MCI_STATUS_OVER ? " OVERFLOW" : "") +
                             (uncorrected && !fatal ? " recoverable" : "") + codes);
        insert.exec();
        lose("which DIMM it was is not modelled: mc_event names the first of a channel");
    }

    /// The trace point memory_failure_event has what the log's line has.
    void failures() {
        const auto log = result_.find("log");
        if (log == result_.end()) return;
        SQLite::Statement insert(db_, "INSERT INTO memory_failure_event VALUES (NULL, ?, ?, ?, ?)");
        for (const json& line : *log) {
            const auto text = line.find("text");
            if (text == line.end() || !text->is_string()) continue;
            formats::Scan s(text->get_ref<const std::string&>());
            if (!s.literal("Memory failure: ")) continue;
            const auto pfn = s.hex();
            if (!pfn || !s.literal(": recovery action for ")) continue;
            const std::size_t colon = s.rest.rfind(": ");
            if (colon == std::string_view::npos) continue;
            insert.bind(1, when(line));
            insert.bind(2, scenario::hex_text(*pfn));
            insert.bind(3, std::string(s.rest.substr(0, colon)));
            insert.bind(4, std::string(s.rest.substr(colon + 2)));
            insert.exec();
            insert.reset();
        }
    }

    const json& result_;
    json platform_;
    std::uint64_t wall_time_ = 0;
    SQLite::Database db_;
    std::map<std::string, std::size_t> lost_;
};

}  // namespace

Exported rasdaemon_of(const json& result) { return Exporter(result).run(); }

}  // namespace mcemu::exchange
