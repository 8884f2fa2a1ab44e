#pragma once  // Records of the ndctl test-suite: as a scenario, and against what it gave.
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "conformance/family.hpp"
#include "conformance/python_expression.hpp"

namespace mcemu::conformance {

/// A namespace of the record as it has come to be.
struct RecordNamespace {
    std::string name, id, region, mode;
    bool raw = false;  ///< force_raw
};

/// What a record's steps became.
struct Translated {
    json scenario;
    /// Ids of each step's events; the first tells its result, unless `of` says otherwise.
    std::vector<std::vector<std::string>> events;
    std::vector<RecordNamespace> namespaces;
    Values values;           ///< saved while translating: places of files
    std::size_t steps = 0;   ///< how many were translated: the next wants a value not yet saved
    std::set<std::string> unknown;  ///< arguments and steps that nobody knows
};

Translated translate_ndctl(const json& record, const Values& saved);
/// Values that the steps of a run saved.
Values saved_values(const json& record, const Translated& t, const json& result);
void compare_ndctl(const json& record, const Translated& t, const json& result, Verdict& verdict);

/// A number, or one written as a hex or decimal string.
std::uint64_t number_of(const json& value);

}  // namespace mcemu::conformance
