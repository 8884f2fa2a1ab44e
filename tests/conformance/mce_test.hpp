#pragma once  // The kinds of cases in the mce-test family.
#include <string>
#include <vector>

#include "conformance/family.hpp"

namespace mcemu::conformance {

// Records for the software injector, and texts that it must refuse.
std::vector<Case> mce_inject_cases(const json& record);
Verdict compare_mce_inject(const json& record, const Case& c, const json& result);

// MADV_HWPOISON on pages in various states.
std::vector<Case> hwpoison_cases(const json& record);
Verdict compare_hwpoison(const json& record, const Case& c, const json& result);

// Errors planted through ACPI EINJ.
std::vector<Case> einj_cases(const json& record);
Verdict compare_einj(const json& record, const Case& c, const json& result);

/// "4.19.1" as a profile's name.
std::string profile_of(const std::string& kernel);
/// The machine and kernel of the records (README of the cases, "recorded").
json recorded_machine(const std::string& profile, unsigned cpus, bool ser);
/// Text for a line of the report.
std::string shown(const json& value);
/// "WHAT: wanted W, came C", added to `lines` if they differ.
void differ(std::vector<std::string>& lines, const std::string& what, const json& wanted,
            const json& came);

}  // namespace mcemu::conformance
