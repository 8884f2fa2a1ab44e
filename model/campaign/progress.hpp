#pragma once  // "4,210 of 10,000 runs, 42 %, 1,320/s, 4 s left", on one line of a terminal.
#include <chrono>
#include <cstdint>
#include <string>

namespace mcemu::campaign {

/// Shows how far a campaign is on standard error; silent when switched off. Nothing else may be
/// written there while it shows.
class Progress {
public:
    /// `done` runs exist already.
    Progress(bool shown, std::uint64_t done);
    ~Progress();
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;

    /// Draws the line anew, at most five times a second.
    void update(std::uint64_t done, std::uint64_t planned);
    /// Takes the line away.
    void clear();

    /// The line's text. `seconds` since `begun` runs were there.
    static std::string text(std::uint64_t begun, std::uint64_t done, std::uint64_t planned,
                            double seconds);

private:
    using Clock = std::chrono::steady_clock;
    const bool shown_;
    const std::uint64_t begun_;
    const Clock::time_point start_ = Clock::now();
    Clock::time_point drawn_{};
    bool visible_ = false;
};

}  // namespace mcemu::campaign
