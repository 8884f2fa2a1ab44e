#pragma once  // --update: writes new expectations into the files of scenarios.
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "regress/runner.hpp"

namespace mcemu::regress {

/// Collects the edits of a file's runs, shows what will change, then changes it. A file with a
/// matrix is changed when all its combinations want the same.
class Updater : public Listener {
public:
    /// `say` gets the difference, or why there is none, before the file is written.
    explicit Updater(std::function<void(std::string_view)> say) : say_(std::move(say)) {}

    void outcome(const Job& job, const Outcome& outcome) override;
    /// The last file. Throws OutputError, as outcome() does, when a file cannot be written.
    void end();

    std::uint64_t changed() const { return changed_; }   ///< files
    std::uint64_t refused() const { return refused_; }   ///< runs that failed and stay as they are

private:
    void write();

    std::function<void(std::string_view)> say_;
    std::string file_;
    std::uint64_t cells_ = 1, wanting_ = 0, failed_ = 0;
    std::optional<std::vector<Edit>> edits_;
    std::string why_not_;
    std::uint64_t changed_ = 0, refused_ = 0;
};

}  // namespace mcemu::regress
