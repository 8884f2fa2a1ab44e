#pragma once  // Reads a campaign file: what stands in it, checked beyond its shape.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "scenario/campaign_file.hpp"
#include "scenario/reader.hpp"
#include "scenario/resolver.hpp"

namespace mcemu::scenario {

/// The number as written, in no unit; 0 for what is no number.
double real_of(const Value& v);
/// "a time", "an address".
const char* unit_word(CampaignDraw::Unit unit);

/// One pass over a document of the right shape: fills the campaign, and tells what is wrong in it.
class CampaignReader {
public:
    using Unit = CampaignDraw::Unit;

    CampaignReader(Document& document, Findings& findings, Campaign& campaign)
        : document_(document), findings_(findings), campaign_(campaign) {}

    void read();

    std::vector<Finding> late_;  ///< told beside those of the reader

private:
    /// A quantity as a count of its unit, or as a real number.
    struct Quantity {
        Unit unit = Unit::whole;
        std::uint64_t count = 0;
        double real = 0;
    };

    void add(const Path& at, std::string wrong, std::string right);
    Place place(const Path& path) const;
    void read_scenario(const Cursor& root);
    /// "cores" or "/machine/cpus/cores" as a pointer; a finding when it is neither.
    std::string pointer_of(const Path& at, std::string_view of);
    static std::string last_step(std::string_view pointer);
    void read_settings(const Cursor& cursor, std::string_view key, std::vector<Setting>& out);
    void read_variants(const Cursor& root);

    // campaign_sweeps.cpp
    std::optional<Quantity> quantity(const Cursor& cursor, std::string_view key);
    std::optional<Quantity> quantity(const Value* v, const Path& at);
    /// Brings quantities to one unit; false with a finding when they have none in common. A size
    /// may stand beside an address, as a step.
    bool alike(const Cursor& cursor, std::string_view key, const Quantity& first, Quantity& other);
    void read_sweep(const Cursor& cursor);
    void read_range(const Cursor& cursor, CampaignSweep& sweep);
    bool too_many(const Cursor& cursor, double count);
    void push(CampaignSweep& sweep, const Cursor& cursor, Unit unit, double value);
    void push_count(CampaignSweep& sweep, const Cursor& cursor, Unit unit, std::uint64_t count);

    // campaign_draws.cpp
    void read_draw(const Cursor& cursor);
    bool bad(const Cursor& cursor) const { return findings_.touched(&cursor.value()); }
    /// One or two whole quantities of one unit.
    void counts(const Cursor& cursor, CampaignDraw& draw, std::string_view one,
                std::string_view two);
    void read_uniform(const Cursor& cursor, CampaignDraw& draw);
    void read_table(const Cursor& cursor, CampaignDraw& draw);
    void read_lognormal(const Cursor& cursor, CampaignDraw& draw);
    void read_choice(const Cursor& cursor, CampaignDraw& draw);

    // campaign_file.cpp
    /// Each place is changed once, and each name stands for one thing.
    void check_places();
    void read_measures(const Cursor& root);
    void read_classes(const Cursor& root);
    /// Whether results can have something at the pointer, by their schema.
    void check_result_pointer(const Path& at, std::string_view of);
    void read_numbers(const Cursor& root);
    void read_runs(const Cursor& root);

    Document& document_;
    Findings& findings_;
    Campaign& campaign_;
};

}  // namespace mcemu::scenario
