#include <memory>
#include <valijson/adapters/nlohmann_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validation_results.hpp>
#include <valijson/validator.hpp>

#include "scenario/schema.hpp"

namespace mcemu::scenario {

using Adapter = valijson::adapters::NlohmannJsonAdapter;

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
    valijson::Validator validator;
    return validator.validate(impl_->schema, Adapter(document), nullptr);
}

std::vector<Validator::Refusal> Validator::refusals(const nlohmann::json& document) const {
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
