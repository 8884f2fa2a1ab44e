#include "exchange/rasdaemon_database.hpp"

#include <SQLiteCpp/SQLiteCpp.h>
#include <sqlite3.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "core/mca/status.hpp"
#include "exchange/rasdaemon_rows.hpp"
#include "formats/edac_line.hpp"
#include "formats/scan.hpp"

namespace mcemu::exchange {
namespace {

using formats::LogEntry;
using formats::LoggedMce;
using formats::LogLine;
using Kind = LogEntry::Kind;

constexpr std::string_view kMagic("SQLite format 3\0", 16);

/// A query over many seconds is none that rasdaemon's tables need.
int too_long(void* left) { return --*static_cast<int*>(left) < 0; }

class Reader {
public:
    explicit Reader(std::string bytes) : bytes_(std::move(bytes)), db_(":memory:") {
        if (!std::string_view(bytes_).starts_with(kMagic))
            throw BadDatabase{bytes_.empty() ? "the file is empty" : "this is no SQLite database",
                              "ras-mc_event.db, which rasdaemon keeps in /var/lib/rasdaemon"};
        // A write-ahead log would lie in a file beside it; in memory there is none.
        if (bytes_.size() > 19 && bytes_[18] == 2) {
            bytes_[18] = bytes_[19] = 1;
            out_.lost.push_back(
                "the database has a write-ahead log: what stands only there is not read");
        }
        sqlite3* handle = db_.getHandle();
        sqlite3_db_config(handle, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
        sqlite3_db_config(handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
        sqlite3_limit(handle, SQLITE_LIMIT_LENGTH, 1 << 24);
        sqlite3_progress_handler(handle, 1'000'000, too_long, &steps_left_);
        const auto size = static_cast<sqlite3_int64>(bytes_.size());
        const int rc =
            sqlite3_deserialize(handle, "main", reinterpret_cast<unsigned char*>(bytes_.data()),
                                size, size, SQLITE_DESERIALIZE_READONLY);
        if (rc != SQLITE_OK)
            throw BadDatabase{std::string("SQLite cannot open it: ") + sqlite3_errstr(rc),
                              "a whole database"};
    }

    RasdaemonRead run() {
        const std::map<std::string, std::string> tables = list_tables();
        static constexpr const char* kKnown[] = {"mce_record", "mc_event", "memory_failure_event",
                                                 "extlog_event"};
        if (std::none_of(std::begin(kKnown), std::end(kKnown),
                         [&](const char* t) { return tables.contains(t); })) {
            std::string names;
            for (const auto& [name, sql] : tables)
                names += (names.empty() ? "" : ", ") + name.substr(0, 40);
            throw BadDatabase{"no table of rasdaemon's is in it" +
                                  (names.empty() ? "" : ", but " + names.substr(0, 200)),
                              "mce_record, mc_event, memory_failure_event or extlog_event"};
        }
        for (const auto& [name, sql] : tables) {
            if (std::find(std::begin(kKnown), std::end(kKnown), name) != std::end(kKnown)) continue;
            const std::int64_t rows = count(name);
            if (rows > 0)
                out_.lost.push_back(std::to_string(rows) + (rows == 1 ? " row of " : " rows of ") +
                                    name.substr(0, 60) + ": not about memory or machine checks");
        }
        if (tables.contains("mce_record")) mce_record();
        if (tables.contains("mc_event")) mc_event();
        if (tables.contains("memory_failure_event")) memory_failure_event();
        if (tables.contains("extlog_event")) extlog_event();
        if (rows_.empty())
            throw BadDatabase{"no row is in rasdaemon's tables", "at least one error"};
        in_order();
        return std::move(out_);
    }

private:
    enum class Table : std::uint8_t { mce, mc, failure, extlog };
    struct Row {
        Table table;
        std::int64_t seconds = 0, id = 0;
        std::uint64_t tsc = 0;
        bool exception = false;
        LoggedMce mce;
        LogEntry entry;
        formats::EdacReport edac;
        formats::GhesReport ghes;
    };

    std::map<std::string, std::string> list_tables() {
        std::map<std::string, std::string> out;
        SQLite::Statement query(db_,
                                "SELECT name, coalesce(sql, '') FROM sqlite_master WHERE type = "
                                "'table' AND name NOT LIKE 'sqlite_%'");
        while (query.executeStep()) {
            const std::string sql = query.getColumn(1).getString();
            // A virtual table is a program of somebody's.
            if (sqlite3_strnicmp(sql.c_str(), "create virtual", 14) != 0)
                out[query.getColumn(0).getString()] = sql;
        }
        return out;
    }
    std::int64_t count(const std::string& table) {
        SQLite::Statement query(db_, "SELECT count(*) FROM " + in_quotes(table));
        return query.executeStep() ? query.getColumn(0).getInt64() : 0;
    }

    using Rows = RasdaemonRows;

    static constexpr std::size_t kMostRows = 1'000'000;

    /// Says which columns of the row just read hold no numbers.
    void odd_types(const char* table, Rows& rows) {
        constexpr std::size_t kMost = 20;
        for (const std::string& column : rows.take_no_numbers())
            if (++odd_ <= kMost)
                out_.lost.push_back("row " + std::to_string(rows.number("id")) + " of " + table +
                                    ": " + column + ", which is no number");
    }
    /// Columns that every rasdaemon had.
    void tell_missing(const char* table, const Rows& rows) {
        std::string names;
        for (const std::string& name : rows.missing())
            if (name != "ppin" && name != "microcode") names += (names.empty() ? "" : ", ") + name;
        if (!names.empty())
            out_.lost.push_back("what has no column of " + std::string(table) + ": " + names);
    }
    Row* add(Table table, Rows& rows) {
        if (rows_.size() >= kMostRows) {
            if (!full_) out_.lost.push_back("rows beyond the first million");
            full_ = true;
            return nullptr;
        }
        Row row;
        row.table = table;
        row.id = static_cast<std::int64_t>(rows.number("id"));
        row.seconds = when(rows.text("timestamp"));
        return &rows_.emplace_back(std::move(row));
    }
    /// "2018-12-20 13:38:32 +0000" as seconds since 1970; 0: no time.
    std::int64_t when(std::string text) {
        if (const std::size_t zone = text.find_last_of("+-");
            zone != std::string::npos && zone > 10)
            text.erase(std::remove(text.begin() + 11, text.end(), ' '), text.end());
        const LogLine line = formats::LogLines().next(text);
        return line.clock == LogLine::Clock::calendar ? line.us / 1'000'000 : 0;
    }

    void mce_record() {
        Rows rows(db_, "mce_record", {"id",   "timestamp", "mcgcap",    "mcgstatus", "status",
                                      "addr", "misc",      "ip",        "tsc",       "walltime",
                                      "ppin", "cpu",       "cpuid",     "apicid",    "socketid",
                                      "cs",   "bank",      "cpuvendor", "microcode", "bank_name"});
        tell_missing("mce_record", rows);
        while (rows.next()) {
            const std::uint32_t bank = rows.number32("bank");
            if (bank >= 128 && rows.number32("cpuvendor") == 0) {
                const std::string name = rows.text("bank_name");
                out_.lost.push_back("row " + std::to_string(rows.number("id")) +
                                    " of mce_record: bank " + std::to_string(bank) +
                                    (name.empty() ? "" : ", " + name.substr(0, 60)) +
                                    ", is none of the processor's");
                continue;
            }
            Row* row = add(Table::mce, rows);
            if (!row) return;
            LoggedMce& r = row->mce;
            r.cpu = rows.number32("cpu");
            r.mcgcap = rows.number32("mcgcap");        // stored through 32 bits
            r.mcgstatus = rows.number32("mcgstatus");  // likewise
            r.bank = static_cast<std::int32_t>(bank & 0x7fffffff);
            r.status = rows.number("status");
            r.addr = rows.number("addr");
            r.misc = rows.number("misc");
            r.ip = rows.number("ip");
            r.tsc = rows.number("tsc");
            r.time = rows.number("walltime");
            r.ppin = rows.number("ppin");
            r.cs = static_cast<std::uint8_t>(rows.number("cs"));
            r.vendor = rows.number32("cpuvendor");
            r.cpuid = rows.number32("cpuid");
            r.socket = rows.number32("socketid");
            r.apicid = rows.number32("apicid");
            r.microcode = rows.number32("microcode");
            r.processor_known = rows.has("cpuid") || r.vendor != 0;
            r.exception = r.mcgstatus & mca::MCG_STATUS_MCIP;
            row->exception = r.exception;
            row->tsc = r.tsc;
            odd_types("mce_record", rows);
            // The time of the error is better than that of the daemon.
            if (r.time != 0 && r.time < 1ull << 36)
                row->seconds = static_cast<std::int64_t>(r.time);
        }
    }

    void mc_event() {
        Rows rows(db_, "mc_event",
                  {"id", "timestamp", "err_count", "err_type", "err_msg", "label", "mc",
                   "top_layer", "address", "driver_detail"});
        tell_missing("mc_event", rows);
        while (rows.next()) {
            Row* row = add(Table::mc, rows);
            if (!row) return;
            formats::EdacReport& r = row->edac;
            r.mc = rows.number32("mc") & 0xff;
            r.channel = rows.number32("top_layer") & 0xf;
            r.count = std::max<std::uint64_t>(1, rows.number("err_count"));
            const std::string type = rows.text("err_type");
            r.uncorrected = type.starts_with("Uncorrected") || type.starts_with("Fatal");
            r.message = rows.text("err_msg");
            r.label = rows.text("label");
            r.address = rows.number("address");
            if (type == "Deferred" || type == "Info")
                out_.lost.push_back("row " + std::to_string(row->id) +
                                    " of mc_event: that its type is " + type + ", not Corrected");
            odd_types("mc_event", rows);
            const std::string detail = rows.text("driver_detail");
            formats::edac_detail(" " + detail, r);
        }
    }

    void memory_failure_event() {
        Rows rows(db_, "memory_failure_event",
                  {"id", "timestamp", "pfn", "page_type", "action_result"});
        tell_missing("memory_failure_event", rows);
        while (rows.next()) {
            const std::string pfn = rows.text("pfn");
            formats::Scan scan(pfn);
            const auto number = scan.hex();
            if (!number || !scan.done()) {
                out_.lost.push_back("row " + std::to_string(rows.number("id")) +
                                    " of memory_failure_event: its pfn is no number in hex");
                continue;
            }
            Row* row = add(Table::failure, rows);
            if (!row) return;
            row->entry.kind = Kind::recovery;
            row->entry.pfn = *number;
            row->entry.what = rows.text("page_type");
            row->entry.result = rows.text("action_result");
            row->entry.text = "Memory failure: " + pfn + ": recovery action for " +
                              row->entry.what + ": " + row->entry.result;
        }
    }

    void extlog_event() {
        static constexpr const char* kSeverities[] = {"recoverable", "fatal", "corrected", "info"};
        Rows rows(db_, "extlog_event", {"id", "timestamp", "etype", "severity", "address"});
        tell_missing("extlog_event", rows);
        while (rows.next()) {
            Row* row = add(Table::extlog, rows);
            if (!row) return;
            row->ghes.memory = true;
            row->ghes.severity = kSeverities[rows.number("severity") & 3];
            if (rows.has("address")) row->ghes.address = rows.number("address");
            if (rows.has("etype")) row->ghes.error_type = rows.number("etype") & 0xff;
            odd_types("extlog_event", rows);
        }
    }

    /// Rows to records and entries, with times in between those of whole seconds.
    void in_order() {
        std::stable_sort(rows_.begin(), rows_.end(),
                         [](const Row& a, const Row& b) { return a.seconds < b.seconds; });
        constexpr std::int64_t kStep = 10'000;              // us
        constexpr std::uint64_t kOneBroadcast = 1'000'000;  // cycles: half a millisecond
        std::int64_t second = -1, us = 0;
        const Row* before = nullptr;
        unsigned number = 0;
        for (Row& row : rows_) {
            const bool together =
                before && before->exception && row.exception && row.tsc != 0 && before->tsc != 0 &&
                (row.tsc > before->tsc ? row.tsc - before->tsc : before->tsc - row.tsc) <
                    kOneBroadcast;
            if (row.seconds != second) {
                second = row.seconds;
                us = second * 1'000'000;
            } else if (!together) {
                us += kStep;
            }
            before = &row;
            ++number;
            const auto clock = second > 0 ? LogLine::Clock::calendar : LogLine::Clock::none;
            row.entry.line = number;
            row.entry.clock = clock;
            row.entry.us = us;
            formats::FieldLog& log = out_.log;
            switch (row.table) {
                case Table::mce:
                    row.mce.line = number;
                    row.mce.clock = clock;
                    row.mce.us = us;
                    log.records.push_back(std::move(row.mce));
                    continue;  // no words of the kernel's
                case Table::mc:
                    row.entry.kind = Kind::edac;
                    row.entry.index = log.edac.size();
                    log.edac.push_back(std::move(row.edac));
                    break;
                case Table::extlog:
                    row.entry.kind = Kind::ghes;
                    row.entry.index = log.ghes.size();
                    log.ghes.push_back(std::move(row.ghes));
                    break;
                case Table::failure:
                    break;
            }
            log.entries.push_back(std::move(row.entry));
        }
        out_.log.lines = number;
    }

    std::string bytes_;
    SQLite::Database db_;
    int steps_left_ = 2000;
    bool full_ = false;
    std::size_t odd_ = 0;
    std::vector<Row> rows_;
    RasdaemonRead out_;
};

}  // namespace

RasdaemonRead read_rasdaemon(std::string bytes) {
    RasdaemonRead out;
    try {
        return Reader(std::move(bytes)).run();
    } catch (const BadDatabase& e) {
        out.wrong = e.wrong;
        out.right = e.right;
    } catch (const SQLite::Exception& e) {
        out.wrong = std::string("the database is damaged: ") + e.what();
        out.right = "one that SQLite's \"PRAGMA integrity_check\" calls ok";
    }
    return out;
}

}  // namespace mcemu::exchange
