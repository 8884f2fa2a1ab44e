#pragma once  // How long poisoned pages stayed reachable, by whom, and what met them.
#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/trace.hpp"
#include "output/trace_names.hpp"
#include "report/chains.hpp"
#include "report/samples.hpp"

namespace mcemu::report {

/// One page frame with poison in it. Times in ps.
struct ExposedPage {
    std::uint64_t pfn = 0;
    std::optional<std::uint64_t> planted;   ///< the poison came into being
    std::optional<std::uint64_t> met;       ///< it was first read
    std::optional<std::uint64_t> known;     ///< the kernel marked the page, or memory_failure() began
    std::optional<std::uint64_t> unmapped;  ///< the last process lost it to memory_failure()
    std::optional<std::uint64_t> closed;    ///< the direct map is no longer present and cacheable
    std::vector<std::uint32_t> processes;   ///< that lost it, rising
    std::uint64_t collateral = 0;           ///< bytes that those lost beyond the page itself
    std::uint64_t reads = 0;                ///< of the poison
    std::uint64_t accesses = 0;             ///< of the page while it was exposed, by instructions
    std::uint64_t speculative = 0;          ///< speculative reads that reached the poison
    std::uint32_t record = 0;               ///< where the page first appears

    std::uint64_t begin() const {
        return planted ? *planted : met ? *met : known.value_or(0);
    }
};

class Exposure {
public:
    static constexpr std::size_t kMostPages = 20000;

    /// After Chains::add() of the same record.
    void add(const Past& past, const TraceRecord& record);

    const std::map<std::uint64_t, ExposedPage>& pages() const { return pages_; }
    std::uint64_t left_out() const { return left_out_; }  ///< records of pages beyond kMostPages
    /// Speculative reads by result: clean, poison, non_canonical, not_present, not_cacheable, ...
    const std::array<std::uint64_t, 8>& speculations() const { return speculations_; }

private:
    ExposedPage* page(std::uint64_t pfn, std::uint32_t id);
    ExposedPage* known_page(std::uint64_t pfn);

    std::map<std::uint64_t, ExposedPage> pages_;
    std::map<std::uint32_t, std::uint64_t> planted_;  // by 1 + event: when it first planted
    std::uint64_t left_out_ = 0;
    std::array<std::uint64_t, 8> speculations_{};
};

}  // namespace mcemu::report
