// MCi_STATUS values with their fields, class, grade and the words of two decoders: `mcemu decode`
// says all of it.
#include "conformance/mce_test.hpp"
#include "conformance/oracle_translate.hpp"

namespace mcemu::conformance {
namespace {

std::vector<std::string> arguments_for(const json& example) {
    std::vector<std::string> out{"decode", example["status"], "--json"};
    for (const char* name : {"mcgstatus", "addr", "misc", "cs", "mcgcap"})
        if (example[name].is_string())
            out.insert(out.end(), {std::string("--") + name, example[name]});
    out.insert(out.end(), {"--bank", example["bank"].dump()});
    return out;
}

class StatusFamily final : public Family {
public:
    std::string name() const override { return "status examples"; }
    bool owns(const json& record) const override {
        return record.is_array() && !record.empty() && record[0].is_object() &&
               record[0].contains("mcelog") && record[0].contains("rasdaemon");
    }
    std::vector<Case> translate(const json& record) const override {
        std::vector<Case> cases;
        for (const json& example : record) {
            Case c;
            c.name = example["id"];
            c.about = example;
            c.arguments = arguments_for(example);
            cases.push_back(c);
        }
        return cases;
    }
    Verdict compare(const json&, const Case& c, const json& result) const override {
        Verdict v;
        const json& e = c.about;
        const json& r = result["records"][0];
        for (const auto& [field, value] : e["fields"].items())
            differ(v.differences, field, value, r["fields"][field]);
        differ(v.differences, "class", e["cls"], r["class"]);
        differ(v.differences, "mcelog", e["mcelog"], r["mcelog"]);
        for (const auto& [column, text] : e["rasdaemon"].items())
            differ(v.differences, column, text, r["rasdaemon"][column]);
        // An invalid bank is never graded.
        const json grade = r["grades"].back();
        if (e["linux61"]["severity"].is_string() && e["cls"] != "invalid") {
            differ(v.differences, "severity", e["linux61"]["severity"], grade["severity"]);
            differ(v.differences, "message", e["linux61"]["message"], grade["message"]);
        }
        return v;
    }
};

}  // namespace

std::unique_ptr<Family> make_status_family() { return std::make_unique<StatusFamily>(); }

}  // namespace mcemu::conformance
