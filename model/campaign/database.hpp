#pragma once  // The results of a campaign as an SQLite file.
#include <cstdint>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "campaign/plan.hpp"
#include "campaign/record.hpp"

namespace SQLite {
class Database;
}

namespace mcemu::campaign {

/// A file that is no results database of a campaign, is damaged, in use, or does not fit the
/// others: the user's. The message names the file.
class BadDatabase : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

inline constexpr std::int32_t kApplicationId = 0x6d63656d;  ///< "mcem"
inline constexpr int kUserVersion = 1;

/// Runs [first, end) of a cell.
struct Piece {
    std::uint64_t cell = 0, first = 0, end = 0;
    bool operator==(const Piece&) const = default;
};

/// Goes through the runs of one file by (cell, run).
class RunCursor {
public:
    virtual ~RunCursor() = default;
    /// The next run; null at the end. It stays until the next call. Throws BadDatabase.
    virtual const RunRecord* next() = 0;
};

/// One file: the campaign with all files it is made from, and the runs made so far, each once.
/// docs/campaign.md describes the tables.
///
/// A *work* file grows in transactions and survives the end of the program at any moment. A
/// *finished* file comes from write_results(): the same runs give the same bytes.
class Database {
public:
    enum class Mode : std::uint8_t {
        read,
        append,  ///< nobody else may use it meanwhile
    };
    /// Opens an existing file. Throws BadDatabase.
    Database(std::string path, Mode mode);
    ~Database();
    Database(const Database&) = delete;
    Database& operator=(const Database&) = delete;
    /// Makes a new work file without runs, in place of whatever is there. Throws OutputError.
    static std::unique_ptr<Database> create(const std::string& path, const Plan& plan);

    const std::string& path() const { return path_; }
    std::vector<SourceFile> files() const;  ///< the campaign file first
    std::string version() const;            ///< of the program that made the runs
    bool finished() const;                  ///< no runs are missing

    std::uint64_t runs() const;
    /// Which runs there are: maximal pieces, rising.
    std::vector<Piece> pieces() const;

    /// Adds runs in one transaction. One that is there already must be the same, else throws
    /// BadDatabase; OutputError when it cannot be written.
    void add(const std::vector<RunRecord>& records);
    /// Runs of [cell, end_cell), by (cell, run).
    std::unique_ptr<RunCursor> runs_of(std::uint64_t cell = 0,
                                       std::uint64_t end_cell = ~std::uint64_t{0}) const;

    struct Inserter;

private:
    Database() = default;
    std::string meta(const std::string& key) const;

    std::string path_;
    std::unique_ptr<SQLite::Database> db_;
    std::unique_ptr<Inserter> inserter_;
};

/// Writes the runs of `from` as a finished file at `path`, by a temporary name and rename. Runs
/// that several hold must be the same in all, else throws BadDatabase. `complete`: no run is
/// missing. The bytes depend on plan and runs alone, whoever made which of them in what order.
void write_results(const std::string& path, const Plan& plan,
                   const std::vector<const Database*>& from, bool complete);

/// The plan of a database; checks that this version of the program made it. Throws BadDatabase.
std::shared_ptr<Plan> plan_of(const Database& database);

/// Whether the file at `path` begins as an SQLite database does.
bool is_sqlite(const std::string& path);

}  // namespace mcemu::campaign
