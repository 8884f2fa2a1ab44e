#pragma once  // A device's poison with its bookkeeping: trace records and fates.
#include <cstdint>
#include <vector>

#include "core/fate.hpp"
#include "core/latency.hpp"
#include "core/pmem/plant_ledger.hpp"
#include "core/pmem/poison_list.hpp"
#include "core/trace.hpp"

namespace mcemu::hw {

/// What a memory device needs from its world. All must outlive it.
struct MediaContext {
    Agenda& agenda;
    Trace& trace;
    Latency& latency;
    Fates& fates;
    pmem::PlantLedger& ledger;  ///< one for all devices of a machine
};

/// PoisonList of one device. Whatever plants or heals goes through here, so that every change
/// leaves a record, and an event whose poison is gone before anybody met it is told so.
class PoisonedMedia {
public:
    /// `subject` is the device's index; `base` is added to addresses in records (DRAM: by SPA).
    PoisonedMedia(const MediaContext& context, Module module, std::uint32_t subject,
                  std::uint64_t base)
        : context_(context), module_(module), subject_(subject), base_(base) {}

    const pmem::PoisonList& list() const { return list_; }

    /// How many ranges the device's own list holds; injected ones are kept beyond.
    void limit(std::uint32_t ranges) { limit_ = ranges; }
    /// Poison that is there from the start, known to the device as far as its list holds it.
    void load(const std::vector<DpaRange>& ranges);
    /// Poison that an image of the device holds.
    void restore(const std::vector<pmem::PoisonRun>& runs) {
        for (const pmem::PoisonRun& run : runs) list_.add(run.range, 0, run.flags);
        listed_ = runs.size();
    }
    std::uint64_t plant(DpaRange range, std::uint32_t origin, std::uint8_t flags);
    std::uint64_t heal(DpaRange range);
    void mark_listed(DpaRange range);

private:
    MediaContext context_;
    Module module_;
    std::uint32_t subject_;
    std::uint64_t base_;
    pmem::PoisonList list_;
    std::vector<pmem::PoisonRun> healed_;
    std::uint64_t limit_ = ~std::uint64_t{0};
    std::uint64_t listed_ = 0;  // ranges in the list, or more
    bool full_ = false;         // counted, and nothing was healed since
};

}  // namespace mcemu::hw
