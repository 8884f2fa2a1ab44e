#pragma once  // What a family of records offers the runner.
#include <filesystem>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

namespace mcemu::conformance {

using nlohmann::json;

/// A record translated: what to run, or why it is not run.
struct Case {
    json scenario;
    std::optional<std::string> skip;  ///< a reason, e.g. what the test set-up (not the kernel) did
};

/// One format of records.
class Family {
public:
    virtual ~Family() = default;
    virtual std::string name() const = 0;
    /// Whether this record is one of ours.
    virtual bool owns(const json& record) const = 0;
    virtual Case translate(const json& record) const = 0;
    /// Differences between what the record says and what the run gave, one line each.
    virtual std::vector<std::string> compare(const json& record, const Case& c,
                                             const json& result) const = 0;
};

/// Records of real kernels: boot, processes driven line by line, injections, what came of it.
std::unique_ptr<Family> make_oracle_family();

}  // namespace mcemu::conformance
