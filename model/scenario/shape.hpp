#pragma once  // The form of a JSON document as tables: one description for reader, schema and docs.
#include <cstdint>
#include <limits>
#include <span>
#include <string_view>

#include "core/meanings.hpp"

namespace mcemu::scenario {

struct Shape;

/// One key of an object.
struct Field {
    std::string_view name;
    const Shape* shape;
    std::string_view doc;            ///< one line
    std::string_view fallback = {};  ///< default as JSON text; empty: none, or derived (doc says how)
    bool required = false;
    std::string_view example = {};   ///< JSON text
};

/// What an object holds beyond its common fields, by the value of its discriminator.
struct Case {
    std::string_view name;
    std::string_view doc;
    std::span<const Field> fields;
};

/// The form of one value. All tables are constants: a process pays nothing for them at start.
struct Shape {
    enum class Kind : std::uint8_t {
        boolean,
        whole,     ///< whole number, min..max
        integer,   ///< whole number that may be negative
        real,      ///< any number, low..high
        text,      ///< a string that is not empty (unless min is 0)
        choice,    ///< one of `choices`, as a string
        size,      ///< "2MiB", bytes; min..max
        time,      ///< "10us", nanoseconds
        address,   ///< "0x1000", whole number, or one of `choices`
        object,    ///< `fields`, and the case that `discriminator` names
        table,     ///< an object with free keys, each value an `item`
        list,      ///< an array of `item`
        tuple,     ///< an array of exactly these `forms`
        any_of,    ///< one of `forms`, told apart by the JSON type
        null,
        anything,
    };
    Kind kind;
    std::string_view name = {};  ///< its definition in the schema; empty: written out in place
    std::string_view doc = {};
    std::uint64_t min = 0;
    std::uint64_t max = std::numeric_limits<std::uint64_t>::max();
    std::span<const std::string_view> choices = {};
    std::span<const Meaning> meanings = {};  ///< of the choices, in their order; empty: none
    std::span<const Field> fields = {};
    std::string_view discriminator = {};
    std::span<const Case> cases = {};
    const Shape* item = nullptr;
    std::span<const Shape* const> forms = {};

    /// The case of that name; null when there is none.
    const Case* find_case(std::string_view wanted) const {
        for (const Case& c : cases) {
            if (c.name == wanted) return &c;
        }
        return nullptr;
    }
};

inline const Field* find_field(std::span<const Field> fields, std::string_view name) {
    for (const Field& field : fields) {
        if (field.name == name) return &field;
    }
    return nullptr;
}

// The documents (shapes_*.cpp).
extern const Shape kScenarioShape;
extern const Shape kResultShape;
extern const Shape kNvdimmStateShape;

// Parts of a result (shapes_records.cpp).
extern const Shape kResultRecords;
extern const Shape kSeverityRows;
extern const Shape kInjectorRegisters;
extern const Shape kResultReports;
extern const Shape kFirmwareCalls;
extern const Shape kNotifications;

// Parts of a scenario.
extern const Shape kKernelShape;
extern const Shape kMachineShape;
extern const Shape kDistributionShape;
extern const Shape kFileShape;
extern const Shape kKernelPagesShape;
extern const Shape kMapShape;
extern const Shape kProcessShape;
extern const Shape kChildShape;
extern const Shape kEventShape;
extern const Shape kExpectShape;
extern const Shape kCondition;
extern const Shape kConditionObject;

// Leaves that every part uses.
extern const Shape kBoolean;
extern const Shape kText;
extern const Shape kFreeText;
extern const Shape kCount;
extern const Shape kInteger;
extern const Shape kReal;
extern const Shape kSize;
extern const Shape kTime;
extern const Shape kAddress;
extern const Shape kPfn;
extern const Shape kAnything;
extern const Shape kCpu;
extern const Shape kBank;
extern const Shape kBanks;
extern const Shape kMcePolicy;
extern const Shape kSigbusAction;
extern const Shape kPageFlag;
extern const Shape kScalar;
extern const Shape kThresholdsShape;

}  // namespace mcemu::scenario
