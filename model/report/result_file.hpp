#pragma once  // Reads a result JSON.
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "report/input_error.hpp"
#include "report/run_figures.hpp"

namespace mcemu::report {

struct ResultFigures {
    struct Event { std::string id, fate, because; std::uint64_t ps = 0; };
    struct Signal { std::uint64_t ps = 0; std::string process, signal, code, addr; std::uint64_t pid = 0; };
    struct Process { std::string id, state; std::uint64_t pid = 0; };
    struct Expectation { std::string at, note; bool ok = false; };
    struct Latency { std::string from, to; std::uint64_t ps = 0;
                     std::vector<std::pair<std::string, std::uint64_t>> phases; };  ///< ps
    struct SeverityRow { std::uint64_t row = 0; std::string severity, message; };

    std::string scenario, profile, version, outcome, panic, outcome_class;
    std::uint64_t seed = 0;
    std::uint64_t end = 0;  ///< ps, whole nanoseconds
    std::vector<LogLine> log;
    std::vector<Signal> signals;
    std::vector<Process> processes;
    std::vector<Event> events;
    std::vector<Expectation> expectations;
    std::vector<Latency> latencies;
    std::vector<SeverityRow> severity_rows;
    std::vector<std::string> poisoned_pages;  ///< page frames, hex
    std::vector<std::pair<std::string, std::int64_t>> counters;
};

/// Throws InputError for what is no result, or lacks what results have.
ResultFigures read_result(const nlohmann::ordered_json& document, const std::string& name);

}  // namespace mcemu::report
