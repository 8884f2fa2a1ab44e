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

/// A record translated: what to run, or why it is not run. One record may give several cases.
struct Case {
    std::string name;  ///< among the record's cases; empty when it is the only one
    json scenario;     ///< null: there is nothing to emulate
    std::vector<std::string> arguments;  ///< instead of a scenario: arguments of the program
    std::optional<std::string> skip;  ///< a reason, e.g. what the test set-up (not the kernel) did
    json about;                       ///< the part of the record that this case is about
};

/// What came of a comparison, one line each.
struct Verdict {
    std::vector<std::string> differences;
    std::vector<std::string> remarks;  ///< printed, but no failure
};

/// One format of records.
class Family {
public:
    virtual ~Family() = default;
    virtual std::string name() const = 0;
    /// Whether this record is one of ours.
    virtual bool owns(const json& record) const = 0;
    virtual std::vector<Case> translate(const json& record) const = 0;
    /// After a run: the case with more of it translated, when that wanted what the run gave.
    virtual std::optional<Case> refine(const json&, const Case&, const json& /*result*/) const {
        return std::nullopt;
    }
    /// What the record says against what the run gave; `result` is null where nothing was run.
    virtual Verdict compare(const json& record, const Case& c, const json& result) const = 0;
};

/// Records of real kernels: boot, processes driven line by line, injections, what came of it.
std::unique_ptr<Family> make_oracle_family();
/// Cases of the mce-test suite, with what real kernels did and what the grading rules say.
std::unique_ptr<Family> make_mce_test_family();
/// MCi_STATUS values with their fields, grade and the words of two decoders.
std::unique_ptr<Family> make_status_family();
/// Sequences of operations on a bad-block table.
std::unique_ptr<Family> make_badblocks_family();
/// Records derived from the ndctl test-suite.
std::unique_ptr<Family> make_ndctl_family();

}  // namespace mcemu::conformance
