#pragma once  // What became of one scenario, small enough for a pipe.
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mcemu::regress {

enum class Status : std::uint8_t {
    ok,        ///< it ran, and every expectation was met
    failed,    ///< an expectation was not met
    differs,   ///< it was run twice and gave other bytes
    timed_out, ///< it ran for longer than the time limit
    crashed,   ///< its worker died of a signal
    broken,    ///< the emulator found itself at fault
    invalid,   ///< it cannot be run as written
};
constexpr std::size_t kStatusCount = 7;
/// "ok", "failed", "differs", "time limit", "crashed", "broken", "invalid".
std::string_view word(Status status);

/// CRC-64s of what a run gave.
struct Digest {
    std::uint64_t log = 0, result = 0, trace = 0;
    bool operator==(const Digest&) const = default;
};

/// A change of a scenario's text: the bytes [offset, offset + length) become `text`.
struct Edit {
    std::uint64_t offset = 0, length = 0;
    std::string text;
    bool operator==(const Edit&) const = default;
};

struct Outcome {
    Status status = Status::ok;
    std::string outcome{}, result_class{};  ///< of the result; "" when there is none
    std::string profile{};
    std::uint64_t seed = 0;
    std::uint64_t end_ns = 0;            ///< simulated
    std::uint32_t met = 0, expectations = 0;
    std::uint64_t records = 0;           ///< of the trace: a measure of the work that it was
    Digest digest{};
    /// What is wrong, a line each: findings, failed expectations ("FILE:LINE:COL: /expect/..."),
    /// what a worker said before it died.
    std::vector<std::string> wrong{};
    std::string divergence{};              ///< where the run first parted from what was expected
    std::vector<std::string> events{};     ///< fate of each event, a line each, when it failed
    /// With --update: what makes the expectations meet what came; or why that cannot be.
    std::vector<Edit> edits{};
    std::string no_edit{};
    /// The run's texts, when they were asked for.
    std::string log_text{}, result_text{};
    bool stored = false;  ///< taken from a database: not run just now, and not part of the bytes
    bool operator==(const Outcome&) const = default;
};

/// As bytes, and back; nullopt when they are not such bytes.
std::string to_bytes(const Outcome& outcome);
std::optional<Outcome> from_bytes(std::string_view bytes);

/// CRC-64/XZ of bytes that may come in pieces.
class Crc64 {
public:
    Crc64();
    void add(std::string_view bytes);
    std::uint64_t value() const { return ~crc_; }

private:
    std::uint64_t crc_;
};

}  // namespace mcemu::regress
