#pragma once  // What loads, stores and block reads came upon, and where poison lies.
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "core/run_view.hpp"

namespace mcemu::output {

/// Of a finished run; the view must outlive it.
class Encounters {
public:
    explicit Encounters(const RunView& view);

    /// ": it read SPA 0x12345000, where no poison was"; empty for an event that is no access, or
    /// one of which nothing is known.
    std::string of(std::size_t event) const;
    /// Where the event planted its poison, if it is a `poison`.
    std::optional<std::uint64_t> planted_at(std::size_t event) const;

private:
    std::string of_access(const AccessEvent& access, std::size_t event) const;
    std::string of_bio(const BioEvent& bio, std::size_t event) const;
    const char* healed(std::size_t event) const;
    /// "; the nearest lies at SPA 0x...": empty when there is none.
    std::string nearest_poison(std::uint64_t spa) const;

    const RunView& view_;
    std::unordered_map<std::uint32_t, const kernel::AccessRecord*> accesses_;  // the last of each
    std::unordered_map<std::uint32_t, const kernel::SignalRecord*> signals_;   // the first of each
    std::unordered_map<std::uint32_t, std::int64_t> returned_;                 // the first of each
    std::unordered_set<std::uint32_t> healers_;  // events that took poison out of the media
    std::unordered_map<std::uint32_t, std::uint64_t> met_;  // SPA of the first poison that each met
    std::vector<SpaRange> poison_;               // at the end, by rising address
};

}  // namespace mcemu::output
