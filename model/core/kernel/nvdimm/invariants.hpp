#pragma once  // What must hold of persistent memory between any two happenings (nvdimm.md 17).
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/kernel/kernel.hpp"
#include "core/pmem/ars.hpp"
#include "core/pmem/poison_list.hpp"
#include "core/pmem/smart.hpp"

namespace mcemu::kernel {

struct PmemNamespace;

/// The modules and the firmware's scrub, which the kernel cannot see and a checker must.
class PmemMedia {
public:
    virtual ~PmemMedia() = default;
    virtual const pmem::PoisonList& poison(std::uint32_t nvdimm) const = 0;
    virtual const pmem::SmartHealth& health(std::uint32_t nvdimm) const = 0;
    virtual const pmem::Ars& ars() const = 0;
};

/// Looks at the tables, the list of bad ranges and the media, and at what the trace gained since
/// the last look. Numbers in comments are those of nvdimm.md 17; where the kernel breaks one of
/// them by a quirk of its own, what holds instead is asserted, and the comment says so. Looks that
/// find nothing new cost a few comparisons; the rest follows the size of list and tables: for
/// tests.
class PmemInvariants {
public:
    PmemInvariants(const Kernel& kernel, const PmemMedia& media);

    /// Before the first event: 7 (the address arithmetic of every region) and 10 (no scrub results
    /// after a boot).
    std::string check_start() const;
    /// What is broken, one sentence with its numbers; empty: nothing.
    std::string check();
    /// Sectors of known ranges that a quirk of the 6.1 tables forgot, at most at one time (1).
    std::uint64_t sectors_lost() const { return lost_; }

private:
    /// What a block request finds when it begins.
    struct Request {
        std::uint32_t ns = 0;
        SpaRange range{};
        bool write = false;
        bool first_segment_bad = false;  // of a read: the driver must not touch memory
        std::uint32_t since = 0;         // trace record with which it began
        std::vector<SpaRange> known_bad; // sectors of it that the table held
    };

    std::string look_at_trace();
    std::string media_change();
    std::string rows();
    std::string tables_hold_the_list();
    std::string scrub();
    std::string request_begins(std::uint32_t id, const TraceRecord& record);
    std::string request_ends(std::uint32_t event, std::int64_t result, std::uint32_t id);
    std::string forgotten(const TraceRecord& record, std::uint32_t id) const;
    bool poisoned(SpaRange range) const;
    bool planted_since(std::uint32_t id) const { return last_planted_ > id; }

    const Kernel& kernel_;
    const PmemMedia& media_;
    std::uint32_t seen_ = 0;            // trace records already looked at
    std::uint32_t last_planted_ = 0;    // record of the newest poison
    bool cleared_ = false;              // since the last look: media were healed
    bool started_ = false;              // likewise: a scrub was started
    bool injected_quietly_ = false;     // likewise: an injection that notifies nobody,
    bool told_ = false;                 // and something else that may change the kernel's tables
    std::vector<std::uint64_t> versions_;    // of all tables, at the last look
    std::uint64_t list_size_ = 0, list_generation_ = 0, list_changes_ = 0, revalidations_ = 0;
    std::vector<std::uint64_t> poisoned_;    // bytes, by module
    std::vector<std::uint32_t> shutdowns_;   // by module
    pmem::ArsState ars_ = pmem::ArsState::none;
    std::uint32_t scan_since_ = 0;           // trace record with which the latest scrub began
    SpaRange restart_{};                     // of a scrub whose answer was full
    std::map<std::uint32_t, Request> requests_;  // by scenario event
    std::uint64_t lost_ = 0;
};

}  // namespace mcemu::kernel
