#pragma once  // What set something off, as a log tells of it.
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "exchange/incident.hpp"
#include "formats/field_log.hpp"

namespace mcemu::exchange {

constexpr unsigned kNearLines = 200;  ///< an error and what became of it, in a log without times
constexpr std::int64_t kTogether = 1'000;  ///< us: checks of one broadcast are printed within

/// An event that the scenario will have.
struct Trigger {
    unsigned line = 0;
    formats::LogLine::Clock clock = formats::LogLine::Clock::none;
    std::int64_t us = 0;  ///< of that clock; after place_in_time(): since the first event
    Json event;
    std::optional<std::uint64_t> pfn;
    bool machine_check = false;  ///< an exception: raised together with others of the same instant
    std::uint32_t cpu = 0;
    bool soft = false;        ///< a soft offline
    bool needs_page = false;  ///< whoever owned the page takes part
    bool reported = false;    ///< made of a line of EDAC's, or explains one
};

inline std::uint64_t pfn_at(std::uint64_t address) { return address >> kPageShift; }

/// The triggers that were found so far, by whoever looks for one kind of them.
class Triggers {
public:
    /// `unit` is what a place in the source is: "line" or "row".
    Triggers(Incident& of, const formats::FieldLog& from, std::string unit)
        : incident(of), log(from), unit_(std::move(unit)) {}

    std::string id_of(unsigned line) const { return unit_ + "-" + std::to_string(line); }
    /// The reference holds until the next one is added.
    Trigger& add(unsigned line, formats::LogLine::Clock clock, std::int64_t us, Json event);
    /// Whether something that met this page is told of near the line; `soft`: a soft offline of it.
    bool explained(std::uint64_t pfn, const formats::LogEntry& e, bool soft = false);
    /// Whether a hardware error on this page stands before the line, or a report of firmware just
    /// behind it, that no line has been explained by: one error, one line of EDAC's.
    bool explains_one(std::uint64_t pfn, const formats::LogEntry& e);

    Incident& incident;
    const formats::FieldLog& log;
    std::vector<Trigger> all;

private:
    std::string unit_;
    struct OfPage {
        std::vector<std::size_t> all;  ///< in the order of their lines
        std::size_t unused = 0;        ///< those before it explain no further line of EDAC's
    };
    void index();

    std::unordered_map<std::uint64_t, OfPage> by_pfn_;
    std::size_t indexed_ = 0;
};

}  // namespace mcemu::exchange
