#pragma once  // Figures as JSON: the members that all formats are written from.
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "report/measures.hpp"
#include "report/result_file.hpp"
#include "report/run_figures.hpp"

namespace mcemu::report {

using Json = nlohmann::ordered_json;

/// Nanoseconds of a time in ps: a whole number, or one with three decimals.
Json as_ns(std::uint64_t ps);
/// "160.311 us" of a number of nanoseconds, as output::human_time() writes it.
std::string in_words(const Json& ns);
/// "37.4 %"
std::string percent(double share);

/// Count, percentiles, points of the distribution function, phases of the critical path, slowest.
Json measure_document(const Measure& m);
void add_result(Json& run, const ResultFigures& result);
void add_trace(Json& run, const TraceFigures& trace);
Json log_document(const std::vector<LogLine>& log);
/// What matters most of a whole document, as sentences.
Json summary_of(const Json& document);

}  // namespace mcemu::report
