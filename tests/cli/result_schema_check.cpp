// result_schema_check: whether the result JSON on standard input is one that `mcemu schema result`
// describes. Prints every refusal.
#include <iostream>
#include <nlohmann/json.hpp>

#include "scenario/schema.hpp"

int main() {
    const mcemu::scenario::Validator validator(mcemu::scenario::result_schema());
    const auto refusals = validator.refusals(nlohmann::json::parse(std::cin));
    for (const auto& refusal : refusals)
        std::cerr << refusal.pointer << ": " << refusal.text << "\n";
    return refusals.empty() ? 0 : 1;
}
