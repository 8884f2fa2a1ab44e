#include "campaign/database.hpp"

#include <SQLiteCpp/SQLiteCpp.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "core/latency.hpp"
#include "output/atomic_file.hpp"
#include "output/measure.hpp"
#include "output/result.hpp"

namespace mcemu::campaign {
namespace {

constexpr const char* kTables[] = {
    "CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
    "CREATE TABLE files(number INTEGER PRIMARY KEY, path TEXT NOT NULL, text TEXT NOT NULL)",
    "CREATE TABLE cells(cell INTEGER PRIMARY KEY, name TEXT NOT NULL, parameters TEXT NOT NULL)",
    "CREATE TABLE measures(measure INTEGER PRIMARY KEY, name TEXT NOT NULL, begins TEXT NOT NULL,"
    " ends TEXT NOT NULL, deadline_ps INTEGER)",
    "CREATE TABLE user_classes(user_class INTEGER PRIMARY KEY, name TEXT NOT NULL)",
    "CREATE TABLE numbers(number INTEGER PRIMARY KEY, name TEXT NOT NULL, pointer TEXT NOT NULL)",
    "CREATE TABLE phases(phase INTEGER PRIMARY KEY, name TEXT NOT NULL)",
    "CREATE TABLE runs(cell INTEGER NOT NULL, run INTEGER NOT NULL, seed INTEGER NOT NULL,"
    " class TEXT, user_class INTEGER, failure TEXT, end_ps INTEGER NOT NULL,"
    " pages INTEGER NOT NULL, user_ps INTEGER NOT NULL, user_open INTEGER NOT NULL,"
    " direct_map_ps INTEGER NOT NULL, direct_map_open INTEGER NOT NULL,"
    " speculation_ps INTEGER NOT NULL, speculation_open INTEGER NOT NULL,"
    " accesses INTEGER NOT NULL, speculative INTEGER NOT NULL, PRIMARY KEY(cell, run))"
    " WITHOUT ROWID",
    "CREATE TABLE durations(cell INTEGER NOT NULL, run INTEGER NOT NULL, measure INTEGER NOT NULL,"
    " ps INTEGER NOT NULL, phases TEXT NOT NULL, PRIMARY KEY(cell, run, measure)) WITHOUT ROWID",
    "CREATE TABLE observed(cell INTEGER NOT NULL, run INTEGER NOT NULL, number INTEGER NOT NULL,"
    " value REAL NOT NULL, PRIMARY KEY(cell, run, number)) WITHOUT ROWID",
};

/// SQLite's errors as ours: what is wrong with the file, or with the disk.
template <class F>
auto guarded(const std::string& path, F f) -> decltype(f()) {
    try {
        return f();
    } catch (const SQLite::Exception& e) {
        switch (e.getErrorCode()) {
            case SQLITE_BUSY:
            case SQLITE_LOCKED:
                throw BadDatabase(path + ": another mcemu is using it: wait until it is done");
            case SQLITE_FULL:
            case SQLITE_IOERR:
            case SQLITE_READONLY:
            case SQLITE_PERM:
            case SQLITE_CANTOPEN:
                throw output::OutputError("cannot write " + path + ": " + e.getErrorStr());
            case SQLITE_NOTADB:
                throw BadDatabase(path + ": this is no results database of a campaign");
            default:
                throw BadDatabase(path + ": the database is damaged: " + e.what());
        }
    }
}

std::int64_t signed_of(std::uint64_t n) { return static_cast<std::int64_t>(n); }
std::uint64_t unsigned_of(const SQLite::Column& c) { return static_cast<std::uint64_t>(c.getInt64()); }

std::string phases_text(const Duration& d) {
    std::string out;
    for (const auto& [phase, ps] : d.phases) {
        char buffer[48];
        char* p = std::to_chars(buffer, buffer + 8, phase).ptr;
        *p++ = ':';
        p = std::to_chars(p, buffer + sizeof buffer, ps).ptr;
        if (!out.empty()) out += ' ';
        out.append(buffer, p);
    }
    return out;
}

/// False when `text` is not of that form.
bool read_phases(const char* text, Duration& d) {
    const char* const end = text + std::strlen(text);
    while (text != end) {
        std::uint16_t phase = 0;
        std::uint64_t ps = 0;
        auto r = std::from_chars(text, end, phase);
        if (r.ec != std::errc{} || r.ptr == end || *r.ptr != ':') return false;
        r = std::from_chars(r.ptr + 1, end, ps);
        if (r.ec != std::errc{}) return false;
        d.phases.emplace_back(phase, ps);
        text = r.ptr;
        if (text != end && *text++ != ' ') return false;
    }
    return true;
}

/// Tables and everything but the runs.
void prepare(SQLite::Database& db, const Plan& plan, bool complete) {
    db.exec("PRAGMA application_id = " + std::to_string(kApplicationId));
    db.exec("PRAGMA user_version = " + std::to_string(kUserVersion));
    for (const char* table : kTables) db.exec(table);
    const auto put = [&](const char* sql, const auto&... values) {
        SQLite::Statement insert(db, sql);
        int i = 0;
        (insert.bind(++i, values), ...);
        insert.exec();
    };
    const auto meta = [&](const std::string& key, const std::string& value) {
        put("INSERT INTO meta VALUES(?, ?)", key, value);
    };
    const scenario::Campaign& campaign = plan.campaign();
    meta("schema", "mcemu/campaign-results/1");
    meta("version", std::string(output::program_version()));
    meta("name", campaign.name);
    meta("finished", complete ? "yes" : "no");
    std::int64_t n = 0;
    for (const SourceFile& f : plan.files()) put("INSERT INTO files VALUES(?, ?, ?)", n++, f.path, f.text);
    for (std::uint64_t c = 0; c < plan.cells(); ++c)
        put("INSERT INTO cells VALUES(?, ?, ?)", signed_of(c), plan.cell_name(c),
            plan.cell_values(c).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
    n = 0;
    for (const auto& m : campaign.measures) {
        SQLite::Statement insert(db, "INSERT INTO measures VALUES(?, ?, ?, ?, ?)");
        insert.bind(1, n++);
        insert.bind(2, m.name);
        insert.bind(3, m.from);
        insert.bind(4, m.to);
        if (m.deadline) insert.bind(5, signed_of(m.deadline->count()));
        insert.exec();
    }
    n = 0;
    for (const auto& c : campaign.classes) put("INSERT INTO user_classes VALUES(?, ?)", n++, c.name);
    n = 0;
    for (const auto& x : campaign.numbers) put("INSERT INTO numbers VALUES(?, ?, ?)", n++, x.name, x.pointer);
    for (std::size_t i = 0; i < kLatCount; ++i)
        put("INSERT INTO phases VALUES(?, ?)", static_cast<std::int64_t>(i),
            std::string(latency_info(static_cast<Lat>(i)).name));
    put("INSERT INTO phases VALUES(?, ?)", std::int64_t{Duration::kNoPhase}, std::string(output::kWaiting));
}

std::string run_text(const RunId& id) {
    return "run " + std::to_string(id.rep) + " of cell " + std::to_string(id.cell);
}

}  // namespace

// ---------------------------------------------------------------- writing runs

struct Database::Inserter {
    explicit Inserter(SQLite::Database& db)
        : runs(db, "INSERT INTO runs VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"),
          durations(db, "INSERT INTO durations VALUES(?, ?, ?, ?, ?)"),
          observed(db, "INSERT INTO observed VALUES(?, ?, ?, ?)"),
          known(db, "SELECT 1 FROM runs WHERE cell = ? AND run = ?") {}

    bool has(const RunId& id) {
        known.reset();
        known.bind(1, signed_of(id.cell));
        known.bind(2, signed_of(id.rep));
        return known.executeStep();
    }

    void insert(const RunRecord& r) {
        const output::Exposure& e = r.exposure;
        runs.reset();
        runs.clearBindings();
        runs.bind(1, signed_of(r.id.cell));
        runs.bind(2, signed_of(r.id.rep));
        runs.bind(3, signed_of(r.seed));
        if (!r.of_class.empty()) runs.bindNoCopy(4, r.of_class);
        if (r.user_class >= 0) runs.bind(5, r.user_class);
        if (!r.failure.empty()) runs.bindNoCopy(6, r.failure);
        const std::array<std::uint64_t, 10> rest{
            r.end_ps, e.pages, e.user.count(), e.user_open, e.direct_map.count(), e.direct_map_open,
            e.speculation.count(), e.speculation_open, e.accesses, e.speculative};
        for (std::size_t i = 0; i < rest.size(); ++i)
            runs.bind(static_cast<int>(7 + i), signed_of(rest[i]));
        runs.exec();
        for (std::size_t m = 0; m < r.durations.size(); ++m) {
            if (!r.durations[m]) continue;
            const std::string phases = phases_text(*r.durations[m]);
            durations.reset();
            durations.bind(1, signed_of(r.id.cell));
            durations.bind(2, signed_of(r.id.rep));
            durations.bind(3, static_cast<std::int64_t>(m));
            durations.bind(4, signed_of(r.durations[m]->ps));
            durations.bindNoCopy(5, phases);
            durations.exec();
        }
        for (std::size_t n = 0; n < r.numbers.size(); ++n) {
            if (!r.numbers[n]) continue;
            observed.reset();
            observed.bind(1, signed_of(r.id.cell));
            observed.bind(2, signed_of(r.id.rep));
            observed.bind(3, static_cast<std::int64_t>(n));
            observed.bind(4, *r.numbers[n]);
            observed.exec();
        }
    }

    SQLite::Statement runs, durations, observed, known;
};

// ---------------------------------------------------------------- reading runs

namespace {

class Cursor final : public RunCursor {
public:
    Cursor(const std::string& path, const SQLite::Database& db, std::uint64_t cell, std::uint64_t end,
           std::size_t measures, std::size_t numbers)
        : path_(path),
          measures_(measures),
          numbers_(numbers),
          runs_(db, "SELECT * FROM runs WHERE cell >= ? AND cell < ? ORDER BY cell, run"),
          durations_(db, "SELECT * FROM durations WHERE cell >= ? AND cell < ? ORDER BY cell, run, measure"),
          observed_(db, "SELECT * FROM observed WHERE cell >= ? AND cell < ? ORDER BY cell, run, number") {
        const std::int64_t last = end > std::uint64_t{1} << 62 ? std::int64_t{1} << 62 : signed_of(end);
        for (SQLite::Statement* s : {&runs_, &durations_, &observed_}) {
            s->bind(1, signed_of(cell));
            s->bind(2, last);
        }
        more_durations_ = durations_.executeStep();
        more_observed_ = observed_.executeStep();
    }

    const RunRecord* next() override {
        return guarded(path_, [&]() -> const RunRecord* {
            if (!runs_.executeStep()) return nullptr;
            read();
            return &record_;
        });
    }

private:
    [[noreturn]] void damaged(const std::string& what) const {
        throw BadDatabase(path_ + ": the database is damaged: " + what);
    }

    RunId key(SQLite::Statement& s) const { return {unsigned_of(s.getColumn(0)), unsigned_of(s.getColumn(1))}; }

    void read() {
        RunRecord& r = record_;
        r.id = key(runs_);
        r.seed = unsigned_of(runs_.getColumn(2));
        r.of_class = runs_.getColumn(3).getText();
        r.user_class = runs_.getColumn(4).isNull() ? -1 : runs_.getColumn(4).getInt();
        r.failure = runs_.getColumn(5).getText();
        const auto at = [&](int column) { return unsigned_of(runs_.getColumn(column)); };
        r.end_ps = at(6);
        output::Exposure& e = r.exposure;
        e.pages = static_cast<std::uint32_t>(at(7));
        e.user = SimTime{at(8)};
        e.user_open = at(9) != 0;
        e.direct_map = SimTime{at(10)};
        e.direct_map_open = at(11) != 0;
        e.speculation = SimTime{at(12)};
        e.speculation_open = at(13) != 0;
        e.accesses = at(14);
        e.speculative = at(15);
        if (r.of_class.empty() == r.failure.empty()) damaged(run_text(r.id) + " has no class");
        r.durations.assign(measures_, std::nullopt);
        for (; more_durations_ && key(durations_) <= r.id; more_durations_ = durations_.executeStep()) {
            const std::uint64_t m = unsigned_of(durations_.getColumn(2));
            if (key(durations_) != r.id || m >= measures_) damaged("a duration belongs to no run");
            Duration& d = r.durations[m].emplace();
            d.ps = unsigned_of(durations_.getColumn(3));
            if (!read_phases(durations_.getColumn(4).getText(), d)) damaged("phases of " + run_text(r.id));
        }
        r.numbers.assign(numbers_, std::nullopt);
        for (; more_observed_ && key(observed_) <= r.id; more_observed_ = observed_.executeStep()) {
            const std::uint64_t n = unsigned_of(observed_.getColumn(2));
            if (key(observed_) != r.id || n >= numbers_) damaged("a number belongs to no run");
            r.numbers[n] = observed_.getColumn(3).getDouble();
        }
    }

    const std::string& path_;
    const std::size_t measures_, numbers_;
    SQLite::Statement runs_, durations_, observed_;
    bool more_durations_ = false, more_observed_ = false;
    RunRecord record_;
};

}  // namespace

// ---------------------------------------------------------------- files

bool is_sqlite(const std::string& path) {
    char head[16] = {};
    std::ifstream in(path, std::ios::binary);
    return in.read(head, sizeof head) && std::memcmp(head, "SQLite format 3", sizeof head) == 0;
}

Database::Database(std::string path, Mode mode) : path_(std::move(path)) {
    std::error_code error;
    if (!std::filesystem::exists(path_, error)) throw BadDatabase(path_ + ": there is no such file");
    if (!is_sqlite(path_)) throw BadDatabase(path_ + ": this is no results database of a campaign");
    guarded(path_, [&] {
        // A killed run leaves a journal, which only a connection that may write can roll back.
        const auto left = std::filesystem::file_size(path_ + "-journal", error);
        const bool writes = mode == Mode::append || (!error && left > 0);
        db_ = std::make_unique<SQLite::Database>(
            path_, writes ? SQLite::OPEN_READWRITE : SQLite::OPEN_READONLY);
        db_->exec("PRAGMA trusted_schema = OFF");
        if (mode == Mode::append) {
            db_->exec("PRAGMA locking_mode = EXCLUSIVE");
            db_->exec("PRAGMA journal_mode = TRUNCATE");
            db_->exec("BEGIN EXCLUSIVE; COMMIT");
        }
        if (db_->execAndGet("PRAGMA application_id").getInt() != kApplicationId)
            throw BadDatabase(path_ + ": this is no results database of a campaign");
        const int version = db_->execAndGet("PRAGMA user_version").getInt();
        if (version != kUserVersion)
            throw BadDatabase(path_ + ": form " + std::to_string(version) +
                              " of the results database is not known to this version, which reads form " +
                              std::to_string(kUserVersion));
        if (mode == Mode::append) inserter_ = std::make_unique<Inserter>(*db_);
    });
}

Database::~Database() = default;

std::unique_ptr<Database> Database::create(const std::string& path, const Plan& plan) {
    std::unique_ptr<Database> out(new Database);
    out->path_ = path;
    std::remove(path.c_str());
    std::remove((path + "-journal").c_str());
    guarded(path, [&] {
        out->db_ = std::make_unique<SQLite::Database>(path, SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
        out->db_->exec("PRAGMA locking_mode = EXCLUSIVE");
        out->db_->exec("PRAGMA journal_mode = TRUNCATE");
        SQLite::Transaction transaction(*out->db_);
        prepare(*out->db_, plan, false);
        transaction.commit();
        out->inserter_ = std::make_unique<Inserter>(*out->db_);
    });
    return out;
}

std::vector<SourceFile> Database::files() const {
    return guarded(path_, [&] {
        std::vector<SourceFile> out;
        SQLite::Statement s(*db_, "SELECT path, text FROM files ORDER BY number");
        while (s.executeStep()) out.push_back({s.getColumn(0).getString(), s.getColumn(1).getString()});
        return out;
    });
}

std::string Database::meta(const std::string& key) const {
    return guarded(path_, [&]() -> std::string {
        SQLite::Statement s(*db_, "SELECT value FROM meta WHERE key = ?");
        s.bind(1, key);
        return s.executeStep() ? s.getColumn(0).getString() : std::string();
    });
}
std::string Database::version() const { return meta("version"); }
bool Database::finished() const { return meta("finished") == "yes"; }

std::uint64_t Database::runs() const {
    return guarded(path_, [&] { return unsigned_of(db_->execAndGet("SELECT count(*) FROM runs")); });
}

std::vector<Piece> Database::pieces() const {
    return guarded(path_, [&] {
        std::vector<Piece> out;
        SQLite::Statement s(*db_, "SELECT cell, run FROM runs ORDER BY cell, run");
        while (s.executeStep()) {
            const std::uint64_t cell = unsigned_of(s.getColumn(0)), run = unsigned_of(s.getColumn(1));
            if (!out.empty() && out.back().cell == cell && out.back().end == run)
                ++out.back().end;
            else
                out.push_back({cell, run, run + 1});
        }
        return out;
    });
}

void Database::add(const std::vector<RunRecord>& records) {
    guarded(path_, [&] {
        SQLite::Transaction transaction(*db_);
        for (const RunRecord& r : records) {
            if (!inserter_->has(r.id)) {
                inserter_->insert(r);
                continue;
            }
            const auto cursor = runs_of(r.id.cell, r.id.cell + 1);
            for (const RunRecord* old = cursor->next(); old; old = cursor->next())
                if (old->id == r.id && !(*old == r))
                    throw BadDatabase(path_ + ": " + run_text(r.id) + " was made twice, with different results");
        }
        transaction.commit();
    });
}

std::unique_ptr<RunCursor> Database::runs_of(std::uint64_t cell, std::uint64_t end_cell) const {
    return guarded(path_, [&] {
        const auto count = [&](const char* table) {
            return static_cast<std::size_t>(
                db_->execAndGet(std::string("SELECT count(*) FROM ") + table).getInt64());
        };
        return std::make_unique<Cursor>(path_, *db_, cell, end_cell, count("measures"), count("numbers"));
    });
}

std::shared_ptr<Plan> plan_of(const Database& database) {
    const std::string version = database.version();
    if (version != output::program_version())
        throw BadDatabase(database.path() + ": its runs are of mcemu " + version + ", this is " +
                          std::string(output::program_version()) + ": take that version, or run it anew");
    Plan::Result read = Plan::restore(database.files());
    if (!read.plan)
        throw BadDatabase(database.path() + ": the database is damaged: " +
                          scenario::to_text(read.findings.front()));
    return read.plan;
}

void write_results(const std::string& path, const Plan& plan,
                   const std::vector<const Database*>& from, bool complete) {
    const std::string temporary = path + ".tmp." + std::to_string(::getpid());
    struct Remover {
        const std::string& name;
        ~Remover() { std::remove(name.c_str()); }
    } remover{temporary};
    std::remove(temporary.c_str());
    guarded(temporary, [&] {
        SQLite::Database db(temporary, SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
        db.exec("PRAGMA locking_mode = EXCLUSIVE");
        db.exec("PRAGMA journal_mode = OFF");
        db.exec("PRAGMA synchronous = OFF");
        // One transaction: the file's change counter is part of its bytes.
        db.exec("BEGIN");
        prepare(db, plan, complete);
        {
            Database::Inserter inserter(db);
            std::vector<std::unique_ptr<RunCursor>> cursors;
            std::vector<const RunRecord*> heads;
            for (const Database* d : from) {
                cursors.push_back(d->runs_of());
                heads.push_back(cursors.back()->next());
            }
            while (true) {
                std::size_t least = heads.size();
                for (std::size_t i = 0; i < heads.size(); ++i)
                    if (heads[i] && (least == heads.size() || heads[i]->id < heads[least]->id)) least = i;
                if (least == heads.size()) break;
                const RunRecord& run = *heads[least];
                if (run.id.cell >= plan.cells())
                    throw BadDatabase(from[least]->path() + ": the database is damaged: there is no cell " +
                                      std::to_string(run.id.cell));
                for (std::size_t i = least + 1; i < heads.size(); ++i) {
                    if (!heads[i] || heads[i]->id != run.id) continue;
                    if (!(*heads[i] == run))
                        throw BadDatabase(from[i]->path() + ": " + run_text(run.id) +
                                          " differs from the one in " + from[least]->path());
                    heads[i] = cursors[i]->next();
                }
                inserter.insert(run);
                heads[least] = cursors[least]->next();
            }
        }
        db.exec("COMMIT");
    });
    const int fd = ::open(temporary.c_str(), O_RDONLY | O_CLOEXEC);
    const bool durable = fd >= 0 && ::fsync(fd) == 0;
    if (fd >= 0) ::close(fd);
    if (!durable || std::rename(temporary.c_str(), path.c_str()) != 0)
        throw output::OutputError("cannot write " + path + ": " + std::strerror(errno));
}

}  // namespace mcemu::campaign
