#pragma once  // The records that the picture shows: all of them, or a sample of whole chains.
#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/trace.hpp"
#include "output/trace_lanes.hpp"
#include "output/trace_names.hpp"

namespace mcemu::report {

struct TimelineRow {
    std::uint32_t id = 0;
    std::uint32_t lane = 0;    ///< index into lanes()
    std::uint32_t root = 0;    ///< record where its chain begins
    std::uint32_t text = 0;    ///< 1 + index into texts(); 0: none
    std::uint64_t begin = 0;   ///< ps; a phase that waits for another begins later than its record
    TraceRecord record;
};

/// Keeps every record until there are too many; then only the chains that begin at every second,
/// fourth, ... root by a fixed mixing of their ids, so that a cause and its effects stay together.
/// What is counted (kinds, lanes, times) is counted before that: exact.
class Timeline {
public:
    explicit Timeline(std::size_t most) : most_(most) {}

    void add(std::uint32_t id, std::uint32_t root, const TraceRecord& record, SimTime begin,
             output::Lane lane, const std::string& text);

    const std::vector<TimelineRow>& rows() const { return rows_; }
    const std::vector<output::Lane>& lanes() const { return lanes_; }
    const std::vector<std::uint64_t>& lane_counts() const { return lane_counts_; }
    const std::vector<std::string>& texts() const { return texts_; }
    std::uint64_t total() const { return total_; }
    /// One in this many chains is kept; 1: all of them.
    std::uint32_t one_in() const { return mask_ + 1; }
    std::uint64_t first_at() const { return first_at_; }
    std::uint64_t last_at() const { return last_at_; }
    const std::array<std::uint64_t, static_cast<std::size_t>(TraceKind::count_)>& kinds() const {
        return kinds_;
    }
    /// Halves what is kept.
    void thin();
    /// The rows as columns of variable-length numbers (see html_data.cpp), not compressed.
    std::string encode() const;

private:
    bool kept(std::uint32_t root) const { return (mix(root) & mask_) == 0; }
    static std::uint32_t mix(std::uint32_t root);

    std::size_t most_;
    std::vector<TimelineRow> rows_;
    std::map<output::Lane, std::uint32_t> lane_numbers_;
    std::vector<output::Lane> lanes_;
    std::vector<std::uint64_t> lane_counts_;
    std::uint32_t text_number(const std::string& text);
    std::vector<std::string> texts_;  // each of them once
    std::unordered_map<std::string, std::uint32_t> text_numbers_;
    std::uint32_t mask_ = 0;
    std::uint64_t total_ = 0, first_at_ = 0, last_at_ = 0;
    std::array<std::uint64_t, static_cast<std::size_t>(TraceKind::count_)> kinds_{};
};

}  // namespace mcemu::report
