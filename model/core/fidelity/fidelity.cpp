#include "core/fidelity/fidelity.hpp"

namespace mcemu::fidelity {

std::vector<std::string_view> words(std::string_view list) {
    std::vector<std::string_view> all;
    while (!list.empty()) {
        const std::size_t end = list.find(' ');
        if (end != 0) all.push_back(list.substr(0, end));
        if (end == std::string_view::npos) break;
        list.remove_prefix(end + 1);
    }
    return all;
}

std::vector<std::string> paths(std::string_view evidence) {
    const auto record = [&](std::string_view kernel) {
        return "tests/data/oracle/linux-" + std::string(kernel) +
               std::string(evidence.substr(evidence.find('/'))) + ".json";
    };
    if (evidence.starts_with("scenarios/")) return {std::string(evidence)};
    if (evidence.starts_with("ndctl/"))  // a record of ndctl's own tests
        return {"tests/data/" + std::string(evidence) + ".json"};
    if (evidence.starts_with("all/")) return {record("4.18"), record("4.19"), record("6.1")};
    if (evidence.starts_with("4.x/")) return {record("4.18"), record("4.19")};
    return {record(evidence.substr(0, evidence.find('/')))};
}

std::span<const Subject> subjects() {
    static const std::vector<Subject> all = [] {
        std::vector<Subject> list;
        for (const auto part : {hardware_subjects(), machine_check_subjects(),
                                memory_failure_subjects(), direct_map_subjects(), pmem_subjects()})
            list.insert(list.end(), part.begin(), part.end());
        return list;
    }();
    return all;
}

}  // namespace mcemu::fidelity
