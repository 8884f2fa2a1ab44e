#pragma once  // Everything that one pass over a trace finds out.
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "output/trace_names.hpp"
#include "report/exposure.hpp"
#include "report/measures.hpp"
#include "report/timeline.hpp"
#include "report/trace_file.hpp"

namespace mcemu::report {

/// A line of the kernel log.
struct LogLine {
    std::uint64_t ps = 0;
    int level = -1;            ///< -1: not known
    std::uint32_t record = 0;  ///< 0: not known
    std::string text;
};

struct TraceFigures {
    TraceHead head;
    std::uint32_t first = 0;  ///< id of the first record held; > 1: the ring had no more room
    output::TraceNames names;
    Timeline timeline{0};
    std::vector<Measure> measures;
    std::uint64_t pairs_left_out = 0, chains_cut = 0;
    Exposure exposure;
    std::vector<LogLine> log;          ///< no more than kMostLog, the first ones
    std::uint64_t log_lines = 0;
    static constexpr std::size_t kMostLog = 20000;
};

/// Reads `in` to its end. At most `most_rows` records stay for the picture. Throws InputError.
TraceFigures read_trace(std::istream& in, const std::string& name,
                        const std::vector<Wanted>& wanted, std::size_t most_rows);

}  // namespace mcemu::report
