#pragma once  // Outcomes in an SQLite database that keeps every run.
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "regress/runner.hpp"

namespace mcemu::regress {

/// The file is no database of ours, or is damaged; the message is for the user (exit status 2).
class DatabaseError : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// Scenarios whose status is not what it was in the run before.
struct Change {
    std::string title, before, now;
};

/// Tables `run` and `result` (docs/regress.md). What has ended is committed in batches whose ends
/// depend on the outcomes alone, not on time: a run that was killed and resumed leaves the same
/// bytes as one that was not. No clock is stored.
class Database : public Listener {
public:
    /// Opens and checks the file when there is one; makes it and a run with the first outcome.
    /// `selection` says, in words, what the run takes; `resume` goes on with the newest run when
    /// that is unfinished. Throws DatabaseError.
    Database(const std::string& path, const std::string& selection, const std::string& label,
             bool resume);
    ~Database() override;

    std::int64_t run() const;  ///< 0: not begun
    bool resumed() const;

    /// The outcome that the resumed run has for the job; nullopt: none, or of other texts.
    /// Throws DatabaseError when that number was another scenario.
    std::optional<Outcome> known(const Job& job);

    /// Throws OutputError when the file cannot be made or written.
    void outcome(const Job& job, const Outcome& outcome) override;
    /// Commits the rest; `finished`: nothing is missing.
    void end(const Totals& totals, bool finished);

    /// Against the newest finished run before this one; at most `most`. `total` gets their number.
    std::vector<Change> changes(std::size_t most, std::uint64_t& total, std::int64_t& before);

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace mcemu::regress
