#pragma once  // Shapes as JSON Schema, draft 7, and validation against it.
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "scenario/shape.hpp"

namespace mcemu::scenario {

/// The schema of a document; `title` names it.
nlohmann::ordered_json json_schema(const Shape& root, const std::string& title);

/// The schemas that `mcemu schema` prints.
nlohmann::ordered_json scenario_schema();
nlohmann::ordered_json result_schema();
nlohmann::ordered_json nvdimm_state_schema();
nlohmann::ordered_json campaign_schema();

/// The part of the schema that matters for `document`: it accepts exactly the same of it.
nlohmann::json schema_for(const Shape& root, const nlohmann::json& document);

/// Holds documents against one schema, with valijson.
class Validator {
public:
    explicit Validator(nlohmann::json schema);
    ~Validator();
    Validator(const Validator&) = delete;
    Validator& operator=(const Validator&) = delete;

    struct Refusal {
        std::string pointer;  ///< JSON pointer
        std::string text;
    };
    bool accepts(const nlohmann::json& document) const;
    /// Why a document is refused, in valijson's words; empty when it is accepted.
    std::vector<Refusal> refusals(const nlohmann::json& document) const;

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace mcemu::scenario
