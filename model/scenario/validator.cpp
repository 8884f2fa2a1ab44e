#include <memory>
#include <valijson/adapters/nlohmann_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validation_results.hpp>
#include <valijson/validator.hpp>

#include "scenario/schema.hpp"

namespace mcemu::scenario {

using Adapter = valijson::adapters::NlohmannJsonAdapter;

namespace {

constexpr std::uint64_t kMostSigned = 0x7fffffffffffffff;

bool has_large(const nlohmann::json& value) {
    if (value.is_number_unsigned()) return value.get<std::uint64_t>() > kMostSigned;
    if (!value.is_structured()) return false;
    for (const auto& child : value) {
        if (has_large(child)) return true;
    }
    return false;
}

void clamp(nlohmann::json& value) {
    if (value.is_number_unsigned() && value.get<std::uint64_t>() > kMostSigned) value = kMostSigned;
    if (!value.is_structured()) return;
    for (auto& child : value) clamp(child);
}

/// valijson compares integers as signed ones, and would take 2^64 - 1 for less than zero. No limit
/// of the schemas lies between 2^63 - 1 and 2^64 - 1.
nlohmann::json clamped(const nlohmann::json& document) {
    nlohmann::json copy = document;
    clamp(copy);
    return copy;
}

}  // namespace

struct Validator::Impl {
    nlohmann::json text;  ///< the schema refers into it
    valijson::Schema schema;
};

Validator::Validator(nlohmann::json schema) : impl_(std::make_unique<Impl>()) {
    impl_->text = std::move(schema);
    valijson::SchemaParser parser(valijson::SchemaParser::kDraft7);
    parser.populateSchema(Adapter(impl_->text), impl_->schema);
}

Validator::~Validator() = default;

bool Validator::accepts(const nlohmann::json& document) const {
    if (has_large(document)) return accepts(clamped(document));
    valijson::Validator validator;
    return validator.validate(impl_->schema, Adapter(document), nullptr);
}

std::vector<Validator::Refusal> Validator::refusals(const nlohmann::json& document) const {
    if (has_large(document)) return refusals(clamped(document));
    valijson::Validator validator;
    valijson::ValidationResults results;
    std::vector<Refusal> out;
    if (validator.validate(impl_->schema, Adapter(document), &results)) return out;
    for (const auto& error : results) {
        // The path is "<root>" and then one "[key]" or "[index]" per step.
        std::string pointer;
        for (std::size_t i = 1; i < error.context.size(); ++i) {
            std::string step = error.context[i];
            if (step.size() >= 2 && step.front() == '[' && step.back() == ']')
                step = step.substr(1, step.size() - 2);
            pointer += '/';
            for (const char c : step) {
                if (c == '~') {
                    pointer += "~0";
                } else if (c == '/') {
                    pointer += "~1";
                } else {
                    pointer += c;
                }
            }
        }
        out.push_back({std::move(pointer), error.description});
    }
    return out;
}

}  // namespace mcemu::scenario
