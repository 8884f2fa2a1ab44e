// Records derived from the ndctl test-suite (conformance/ndctl/README.md).
#include <algorithm>

#include "conformance/family.hpp"
#include "conformance/ndctl_record.hpp"

namespace mcemu::conformance {
namespace {

class NdctlFamily final : public Family {
public:
    std::string name() const override { return "ndctl"; }
    bool owns(const json& record) const override {
        return record.is_object() && record.contains("topology") && record.contains("steps") &&
               record.contains("expect");
    }
    std::vector<Case> translate(const json& record) const override {
        return {as_case(translate_ndctl(record, {}))};
    }
    /// A step may want what an earlier one saves: the same events again, with the values of the
    /// run and more steps.
    std::optional<Case> refine(const json& record, const Case& c, const json& result) const override {
        Translated t = translate_ndctl(record, values_of(c));
        if (t.steps == record["steps"].size()) return std::nullopt;
        const Values saved = saved_values(record, t, result);
        Translated more = translate_ndctl(record, saved);
        if (more.steps <= t.steps) return std::nullopt;
        return as_case(more);
    }
    Verdict compare(const json& record, const Case& c, const json& result) const override {
        Verdict verdict;
        const Translated t = translate_ndctl(record, values_of(c));
        for (const std::string& what : t.unknown)
            verdict.differences.push_back(what + " is not known");
        if (t.steps < record["steps"].size())
            verdict.differences.push_back("step " + std::to_string(t.steps + 1) +
                                          " wants a value that was not saved");
        compare_ndctl(record, t, result, verdict);
        return verdict;
    }

private:
    static Case as_case(const Translated& t) {
        Case c;
        c.scenario = t.scenario;
        c.about = json::object();
        for (const auto& [name, value] : t.values) c.about[name] = value;
        return c;
    }
    static Values values_of(const Case& c) {
        Values values;
        for (const auto& [name, value] : c.about.items()) values[name] = value;
        return values;
    }
};

}  // namespace

std::unique_ptr<Family> make_ndctl_family() { return std::make_unique<NdctlFamily>(); }

}  // namespace mcemu::conformance
