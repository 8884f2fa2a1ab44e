// The cases of the mce-test suite: which kind is handled where, and what the kinds share.
#include "conformance/mce_test.hpp"

namespace mcemu::conformance {

std::string profile_of(const std::string& kernel) {
    if (kernel.starts_with("6.1")) return "v6.1";
    return kernel.starts_with("4.18") ? "v4.18" : "v4.19";
}

json recorded_machine(const std::string& profile, unsigned cpus, bool ser) {
    json s = {{"schema", "mcemu/scenario/1"}};
    s["kernel"] = {{"profile", profile}, {"knobs", {{"strict_4_19_0", profile == "v4.19"}}}};
    s["machine"]["cpus"] = {{"sockets", 1},       {"cores", cpus},      {"threads", 1},
                            {"model", "generic"}, {"cpuid", "0x80660"}, {"microcode", "0x1"}};
    s["machine"]["mca"] = {
        {"banks", 10}, {"ser", ser}, {"lmce", false}, {"cmci", false}, {"ctl_p", true}};
    s["machine"]["memory"] =
        json::array({{{"id", "dram0"}, {"base", "0x0"}, {"size", "0x7ffdf000"}}});
    return s;
}

std::string shown(const json& value) {
    return value.is_string() ? value.get<std::string>() : value.dump();
}

void differ(std::vector<std::string>& lines, const std::string& what, const json& wanted,
            const json& came) {
    if (wanted != came)
        lines.push_back(what + ": wanted " + shown(wanted) + ", came " + shown(came));
}

namespace {

class MceTestFamily final : public Family {
public:
    std::string name() const override { return "mce-test"; }
    bool owns(const json& record) const override {
        return record.is_object() && record.contains("kind") && record.contains("origin") &&
               record.contains("expect_linux61");
    }
    std::vector<Case> translate(const json& record) const override {
        const std::string kind = record["kind"];
        if (kind.starts_with("mce-inject")) return mce_inject_cases(record);
        if (kind == "madvise-hwpoison") return hwpoison_cases(record);
        if (kind == "apei-einj") return einj_cases(record);
        Case unknown;
        unknown.skip = "no such kind of case is known: " + kind;
        return {unknown};
    }
    Verdict compare(const json& record, const Case& c, const json& result) const override {
        const std::string kind = record["kind"];
        if (kind.starts_with("mce-inject")) return compare_mce_inject(record, c, result);
        if (kind == "madvise-hwpoison") return compare_hwpoison(record, c, result);
        return compare_einj(record, c, result);
    }
};

}  // namespace

std::unique_ptr<Family> make_mce_test_family() { return std::make_unique<MceTestFamily>(); }

}  // namespace mcemu::conformance
