#pragma once  // Fills a bad-block table from the list of bad ranges, again and again.
#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <vector>

#include "core/kernel/nvdimm/badblocks.hpp"
#include "core/kernel/nvdimm/badrange.hpp"

namespace mcemu::kernel {

/// nvdimm_badblocks_populate() for one table: sets each range of the list in the list's order. The
/// kernel walks the whole list at each machine check; this gives the same rows, and looks only at
/// ranges that can change them. Costs follow what changed since the last time.
///
/// A range that the table covers changes nothing, nor does one that touches no row of a full table.
/// So ranges are looked at when they are new or changed, when rows that they touch changed, and, in
/// the list's order, while the table has room. This holds while rows are in order and apart, which
/// the kernel's algorithm does not promise (nvdimm.md 11.2). In a table that is not so, every range
/// is set until a whole walk changed nothing.
class BadblocksFiller {
public:
    /// `changed` is told which ranges changed rows, in order. Returns the first sector of the first
    /// range that found no room.
    std::optional<std::uint64_t> populate(const Badranges& list, SpaRange resource,
                                          Badblocks& table,
                                          const std::function<void(const SectorRange&)>& changed);

private:
    using Slot = Badranges::Slot;
    struct Walk {
        const Badranges& list;
        SpaRange resource;
        Badblocks& table;
        const std::function<void(const SectorRange&)>& changed;
        mutable std::optional<std::uint64_t> failed{};
    };

    void catch_up(const Walk& walk);
    void start_anew(const Walk& walk);
    void look_at_what_may_change(const Walk& walk);
    void look_at_news(const Walk& walk);
    void look_at_everything(const Walk& walk, Slot from);
    bool set(const Walk& walk, Slot slot);
    void follow_rows(const Walk& walk);
    void await(const Walk& walk, std::uint64_t first, std::uint64_t past, bool also_covered);
    bool covered(const SectorRange& sectors) const;
    std::optional<std::uint64_t> without_room(const Walk& walk, Slot from) const;
    bool glues(std::size_t row) const;

    std::vector<Badblocks::Row> rows_;  // of the table, when it was looked at last
    std::uint64_t version_ = ~std::uint64_t{0};     // and what it called itself then
    std::uint64_t generation_ = ~std::uint64_t{0};  // of the list
    std::size_t changes_seen_ = 0;
    Slot seen_ = 0;         // slots that had been filled then: those from here on are new
    bool anew_ = false;     // this walk is the first of all: every range is tried
    bool orderly_ = true;   // rows in order, apart, acknowledged
    bool settled_ = false;  // a walk over everything changed nothing of a table that is not orderly
    std::set<Slot> pending_;  // ranges to look at, beside the new ones
    Slot frontier_ = 0;       // all ranges from here on are to be looked at when there is room
};

}  // namespace mcemu::kernel
