#include "regress/database.hpp"

#include <SQLiteCpp/SQLiteCpp.h>
#include <sys/stat.h>

#include <algorithm>
#include <utility>

#include "output/atomic_file.hpp"
#include "output/result.hpp"

namespace mcemu::regress {
namespace {

constexpr int kVersion = 1;
constexpr int kApplication = 0x6d63656d;  // "mcem"
// A batch is this many outcomes, or this many records of traces: about a second of work.
constexpr std::uint64_t kBatch = 256, kBatchRecords = 2'000'000;

constexpr const char* kTables = R"(
CREATE TABLE run (
  id INTEGER PRIMARY KEY,
  label TEXT NOT NULL,
  version TEXT NOT NULL,      -- of the program
  selection TEXT NOT NULL,    -- paths and options
  finished INTEGER NOT NULL,  -- 1: nothing is missing
  scenarios INTEGER NOT NULL,
  not_ok INTEGER NOT NULL
);
CREATE TABLE result (
  run INTEGER NOT NULL REFERENCES run(id),
  number INTEGER NOT NULL,    -- in the order of input
  file TEXT NOT NULL,
  name TEXT NOT NULL,
  cell TEXT NOT NULL,         -- of the scenario's matrix: "name=value ..."
  texts TEXT NOT NULL,        -- CRC-64 of the scenario and what it includes
  status TEXT NOT NULL,
  outcome TEXT NOT NULL,
  class TEXT NOT NULL,
  profile TEXT NOT NULL,
  seed TEXT NOT NULL,         -- 64 bits without a sign
  end_ns INTEGER NOT NULL,    -- simulated
  met INTEGER NOT NULL,
  expectations INTEGER NOT NULL,
  log_crc TEXT NOT NULL,
  result_crc TEXT NOT NULL,
  trace_crc TEXT NOT NULL,
  wrong TEXT NOT NULL,        -- a line each
  divergence TEXT NOT NULL,
  events TEXT NOT NULL,
  PRIMARY KEY (run, number)
) WITHOUT ROWID;
)";

std::string hex(std::uint64_t value) {
    constexpr char kHex[] = "0123456789abcdef";
    std::string out(16, '0');
    for (std::size_t i = 16; i-- > 0; value >>= 4) out[i] = kHex[value & 15];
    return out;
}

std::string joined(const std::vector<std::string>& lines) {
    std::string out;
    for (const std::string& line : lines) out += line + "\n";
    return out;
}

std::vector<std::string> split(const std::string& text) {
    std::vector<std::string> lines;
    for (std::size_t begin = 0; begin < text.size();) {
        const std::size_t end = std::min(text.find('\n', begin), text.size());
        lines.push_back(text.substr(begin, end - begin));
        begin = end + 1;
    }
    return lines;
}

std::string cell_text(const Job& job) {
    std::string out;
    for (const std::string& word : scenario::cell_words(job.cell))
        out += (out.empty() ? "" : " ") + word;
    return out;
}

Status status_of(const std::string& text) {
    for (std::size_t i = 0; i < kStatusCount; ++i)
        if (word(static_cast<Status>(i)) == text) return static_cast<Status>(i);
    return Status::broken;
}

bool exists(const std::string& path) {
    struct stat status {};
    return ::stat(path.c_str(), &status) == 0 && status.st_size > 0;
}

}  // namespace

struct Database::Impl {
    std::string path;
    std::unique_ptr<SQLite::Database> db;
    std::unique_ptr<SQLite::Statement> insert, select;
    std::unique_ptr<SQLite::Transaction> batch;
    std::uint64_t in_batch = 0, records = 0;
    std::int64_t run = 0;
    bool resumed = false;

    [[noreturn]] void unusable(const std::string& why) const {
        throw DatabaseError(path + ": " + why);
    }

    std::string selection, label;

    void open() {
        db = std::make_unique<SQLite::Database>(
            path, SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE, 10'000);
    }

    void open_old() {
        try {
            open();
            check();
        } catch (const SQLite::Exception& error) {
            unusable(std::string("cannot be used: ") + error.getErrorStr());
        }
    }

    /// The newest run, when it is unfinished.
    void resume() {
        SQLite::Statement last(*db, "SELECT id, finished, selection, version FROM run "
                                    "ORDER BY id DESC LIMIT 1");
        if (!last.executeStep() || last.getColumn(1).getInt() != 0) return;
        const std::string id = last.getColumn(0).getString();
        if (last.getColumn(2).getString() != selection)
            unusable("run " + id + " was begun with '" + last.getColumn(2).getString() +
                     "', not with '" + selection +
                     "': give the same, or leave --resume out for a new run");
        if (last.getColumn(3).getString() != output::program_version())
            unusable("run " + id + " was begun by version " + last.getColumn(3).getString() +
                     ": leave --resume out for a new run");
        run = last.getColumn(0).getInt64();
        resumed = true;
    }

    void prepare() {
        db->exec("PRAGMA journal_mode = DELETE; PRAGMA synchronous = NORMAL");
        insert = std::make_unique<SQLite::Statement>(
            *db, "INSERT OR REPLACE INTO result VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)");
        select = std::make_unique<SQLite::Statement>(
            *db, "SELECT file, name, cell, texts, status, outcome, class, profile, seed, end_ns, "
                 "met, expectations, wrong, divergence, events "
                 "FROM result WHERE run = ? AND number = ?");
    }

    void begin() {
        if (!db) {
            open();
            make();
        }
        if (!insert) prepare();
        if (run != 0) return;
        SQLite::Transaction transaction(*db);
        SQLite::Statement add(*db, "INSERT INTO run (label, version, selection, finished, "
                                   "scenarios, not_ok) VALUES (?, ?, ?, 0, 0, 0)");
        add.bind(1, label);
        add.bind(2, std::string(output::program_version()));
        add.bind(3, selection);
        add.exec();
        run = db->getLastInsertRowid();
        transaction.commit();
    }

    std::int64_t pragma(const char* text) { return db->execAndGet(text).getInt64(); }

    void check() {
        const std::int64_t application = pragma("PRAGMA application_id");
        if (application != kApplication)
            unusable("this is a database, but none of mcemu regress: name another file");
        const std::int64_t version = pragma("PRAGMA user_version");
        if (version != kVersion)
            unusable("this database has version " + std::to_string(version) +
                     ", this program writes version " + std::to_string(kVersion));
        if (std::string found = db->execAndGet("PRAGMA quick_check(1)").getString();
            found != "ok") {
            std::replace(found.begin(), found.end(), '\n', ' ');
            unusable("the database is damaged: " + found);
        }
    }

    void make() {
        db->exec("PRAGMA application_id = " + std::to_string(kApplication));
        SQLite::Transaction transaction(*db);
        db->exec(kTables);
        db->exec("PRAGMA user_version = " + std::to_string(kVersion));
        transaction.commit();
    }

    /// Whatever SQLite says from now on: the outcome cannot be kept.
    template <class F>
    auto writing(F&& f) {
        try {
            return f();
        } catch (const SQLite::Exception& error) {
            throw output::OutputError("cannot write " + path + ": " + error.getErrorStr());
        }
    }

    void commit() {
        if (!batch) return;
        batch->commit();
        batch.reset();
        in_batch = records = 0;
    }
};

Database::Database(const std::string& path, const std::string& selection, const std::string& label,
                   bool resume)
    : impl_(std::make_unique<Impl>()) {
    Impl& i = *impl_;
    i.path = path;
    i.selection = selection;
    i.label = label;
    if (!exists(path)) return;
    i.open_old();
    if (resume) i.writing([&] {
            i.resume();
            if (i.resumed) i.prepare();
        });
}

Database::~Database() = default;

std::int64_t Database::run() const { return impl_->run; }
bool Database::resumed() const { return impl_->resumed; }

std::optional<Outcome> Database::known(const Job& job) {
    Impl& i = *impl_;
    if (!i.resumed) return std::nullopt;
    return i.writing([&]() -> std::optional<Outcome> {
        SQLite::Statement& q = *i.select;
        q.reset();
        q.bind(1, i.run);
        q.bind(2, static_cast<std::int64_t>(job.number));
        if (!q.executeStep()) return std::nullopt;
        if (q.getColumn(0).getString() != job.file || q.getColumn(1).getString() != job.name ||
            q.getColumn(2).getString() != cell_text(job))
            i.unusable("number " + std::to_string(job.number) + " of run " +
                       std::to_string(i.run) + " was " + q.getColumn(0).getString() +
                       ", now it is " + job.title() + ": leave --resume out for a new run");
        if (q.getColumn(3).getString() != hex(job.texts)) return std::nullopt;
        Outcome out;
        out.status = status_of(q.getColumn(4).getString());
        out.outcome = q.getColumn(5).getString();
        out.result_class = q.getColumn(6).getString();
        out.profile = q.getColumn(7).getString();
        out.seed = std::stoull(q.getColumn(8).getString());
        out.end_ns = static_cast<std::uint64_t>(q.getColumn(9).getInt64());
        out.met = q.getColumn(10).getUInt();
        out.expectations = q.getColumn(11).getUInt();
        out.wrong = split(q.getColumn(12).getString());
        out.divergence = q.getColumn(13).getString();
        out.events = split(q.getColumn(14).getString());
        out.stored = true;
        return out;
    });
}

void Database::outcome(const Job& job, const Outcome& outcome) {
    if (outcome.stored) return;
    Impl& i = *impl_;
    i.writing([&] {
        i.begin();
        if (!i.batch) i.batch = std::make_unique<SQLite::Transaction>(*i.db);
        SQLite::Statement& q = *i.insert;
        q.reset();
        int n = 0;
        q.bind(++n, i.run);
        q.bind(++n, static_cast<std::int64_t>(job.number));
        q.bind(++n, job.file);
        q.bind(++n, job.name);
        q.bind(++n, cell_text(job));
        q.bind(++n, hex(job.texts));
        q.bind(++n, std::string(word(outcome.status)));
        q.bind(++n, outcome.outcome);
        q.bind(++n, outcome.result_class);
        q.bind(++n, outcome.profile);
        q.bind(++n, std::to_string(outcome.seed));
        q.bind(++n, static_cast<std::int64_t>(outcome.end_ns));
        q.bind(++n, static_cast<std::int64_t>(outcome.met));
        q.bind(++n, static_cast<std::int64_t>(outcome.expectations));
        q.bind(++n, hex(outcome.digest.log));
        q.bind(++n, hex(outcome.digest.result));
        q.bind(++n, hex(outcome.digest.trace));
        q.bind(++n, joined(outcome.wrong));
        q.bind(++n, outcome.divergence);
        q.bind(++n, joined(outcome.events));
        q.exec();
        i.records += outcome.records;
        ++i.in_batch;
        const bool slow = outcome.status == Status::timed_out;
        if (i.in_batch >= kBatch || i.records >= kBatchRecords || slow) i.commit();
    });
}

void Database::end(const Totals& totals, bool finished) {
    Impl& i = *impl_;
    if (!i.db) return;
    i.writing([&] {
        i.begin();
        i.commit();
        i.batch = std::make_unique<SQLite::Transaction>(*i.db);
        SQLite::Statement update(
            *i.db, "UPDATE run SET finished = ?, scenarios = ?, not_ok = ? WHERE id = ?");
        update.bind(1, finished ? 1 : 0);
        update.bind(2, static_cast<std::int64_t>(totals.all()));
        update.bind(3, static_cast<std::int64_t>(totals.not_ok()));
        update.bind(4, i.run);
        update.exec();
        i.commit();
    });
}

std::vector<Change> Database::changes(std::size_t most, std::uint64_t& total,
                                      std::int64_t& before) {
    Impl& i = *impl_;
    std::vector<Change> out;
    total = 0;
    before = 0;
    if (i.run == 0) return out;
    i.writing([&] {
        // The run of the same selection: another would differ in what it took.
        SQLite::Statement last(*i.db,
                               "SELECT max(a.id) FROM run a JOIN run b ON b.id = ?1 WHERE a.id < "
                               "b.id AND a.finished = 1 AND a.selection = b.selection");
        last.bind(1, i.run);
        if (!last.executeStep() || last.getColumn(0).isNull()) return;
        before = last.getColumn(0).getInt64();
        SQLite::Statement q(
            *i.db,
            "SELECT b.file || CASE b.cell WHEN '' THEN '' ELSE ' [' || b.cell || ']' END, "
            "a.status, b.status FROM result b JOIN result a ON a.run = ?1 AND a.number = b.number "
            "AND a.file = b.file AND a.cell = b.cell WHERE b.run = ?2 AND a.status <> b.status "
            "ORDER BY b.number");
        q.bind(1, before);
        q.bind(2, i.run);
        while (q.executeStep()) {
            ++total;
            if (out.size() < most)
                out.push_back({q.getColumn(0).getString(), q.getColumn(1).getString(),
                               q.getColumn(2).getString()});
        }
    });
    return out;
}

}  // namespace mcemu::regress
