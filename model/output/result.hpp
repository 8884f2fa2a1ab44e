#pragma once  // A finished run as the result JSON (`--result`, `--json`).
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <string_view>

#include "core/run_view.hpp"
#include "output/never_came.hpp"

namespace mcemu::output {

using Json = nlohmann::ordered_json;

inline constexpr std::string_view kResultSchema = "mcemu/result/1";

/// The whole result but for `class` and `expect`, which finish_result() fills in. `expect`, the
/// scenario's block (null: none), adds what it asks about: pages beside those with PG_hwpoison,
/// and durations beside those from events to signals, system calls and panics.
Json make_result(const RunView& view, const nlohmann::json& expect = nullptr);

/// Names of members of a result: "log", "counters".
using Members = std::set<std::string, std::less<>>;
/// The same with these members alone, for those who make many results and look at little of them.
Json make_result(const RunView& view, const nlohmann::json& expect, const Members& members);

/// The list `events` alone: id, time, fate and its reason.
Json make_events(const RunView& view);

/// Compares with `expect` and fills in `class` and `expect`. True when every expectation was met.
/// `place` tells where settings stand, for what failed because of one.
bool finish_result(const RunView& view, const nlohmann::json& expect, Json& result,
                   const SettingPlace& place = {});

/// The program's version, as --version prints it.
std::string_view program_version();

}  // namespace mcemu::output
