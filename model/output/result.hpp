#pragma once  // A finished run as the result JSON (`--result`, `--json`).
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/run_view.hpp"

namespace mcemu::output {

using Json = nlohmann::ordered_json;

inline constexpr std::string_view kResultSchema = "mcemu/result/1";

/// The whole result but for `class` and `expect`, which depend on what was expected (see
/// finish_result()). `pages`: pages to list beside those with PG_hwpoison, rising.
Json make_result(const RunView& view, const std::vector<Pfn>& pages = {});

/// The list `events` alone: id, time, fate and its reason.
Json make_events(const RunView& view);

/// Fills in `class` and `expect`. `expect` is the scenario's block (null: none). True when every
/// expectation was met.
bool finish_result(const RunView& view, const nlohmann::json& expect, Json& result);

/// The program's version, as --version prints it.
std::string_view program_version();

}  // namespace mcemu::output
