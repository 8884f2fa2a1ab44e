#pragma once  // Outcomes as text: the table, what a failure says, how it is replayed.
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "regress/runner.hpp"

namespace mcemu::regress {

/// A word for a POSIX shell, quoted where it must be.
std::string shell_word(std::string_view word);

/// " --seed 3 --matrix n=1": the options of `run` that stand for overrides, params as a cell.
std::string override_words(const scenario::Overrides& overrides);

/// The command that runs the job alone, as it was run here.
std::string replay_command(const Job& job, const Outcome& outcome, const RunnerOptions& options);

/// What a failure says, a line each: findings, the first divergence, what became of the events,
/// seed and profile, the command that replays it. Empty for what is ok.
std::vector<std::string> explanation(const Job& job, const Outcome& outcome,
                                     const RunnerOptions& options);

/// "ok      recovered      1.034 ms  FILE": one line of the table.
std::string table_line(const Job& job, const Outcome& outcome, bool colour);

/// "120 scenarios in 100 files: 118 ok, 1 failed, 1 crashed".
std::string totals_line(const Totals& totals);

/// The table on standard output, and at its end the names of what was not ok.
class Table : public Listener {
public:
    struct Options {
        bool quiet = false;   ///< only what is not ok
        bool colour = false;
        std::function<void(std::string_view)> write;
    };
    Table(Options options, const RunnerOptions& runner) : options_(std::move(options)), runner_(runner) {}

    void outcome(const Job& job, const Outcome& outcome) override;
    /// Totals; `note` says why it ended early, "" when it did not.
    void end(const Totals& totals, const Source& source, const std::string& note);

private:
    Options options_;
    const RunnerOptions& runner_;
    std::vector<std::string> not_ok_;  ///< the first few
    std::uint64_t not_ok_count_ = 0;
};

}  // namespace mcemu::regress
