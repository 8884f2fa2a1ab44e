#pragma once  // Two traces beside each other, by cause: where they part.
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "compare/world.hpp"

namespace mcemu::compare {

/// How two runs part at one place.
enum class Parting : std::uint8_t {
    only_a, only_b,  ///< something happened in one run only
    values,          ///< the same thing with other values
    time,            ///< the same thing took longer, or came later after its cause
    order,           ///< the same things, in another order
};

struct Divergence {
    static constexpr std::size_t kNone = ~std::size_t{0};
    Parting how = Parting::only_a;
    std::uint64_t at_ps = 0;          ///< the earlier of the two
    std::size_t a = kNone, b = kNone; ///< indices of the steps
    /// The cause that both runs share: the last thing before they part. kNone: the beginning.
    std::size_t cause_a = kNone, cause_b = kNone;
};

struct CauseDiff {
    /// Places where what happened differs, and what follows the same cause in both; by time.
    /// What hangs below one of them is its consequence and not listed.
    std::vector<Divergence> happened;
    /// Places where only the time between cause and effect differs, by time.
    std::vector<Divergence> times;
    /// The first change of order, when everything else is the same.
    std::vector<Divergence> order;
    std::size_t common = 0;  ///< steps that both runs have
    /// The earliest of all; null when the traces are the same.
    const Divergence* first() const;
};

/// Walks both trees of causes: the children of a common cause are paired by what they are, first
/// exactly, then by kind and subject.
CauseDiff diff_causes(const std::vector<Step>& a, const std::vector<Step>& b);

/// The steps that led to `index`, oldest first, itself last, without phases and log lines.
std::vector<std::size_t> chain(const std::vector<Step>& steps, std::size_t index);

}  // namespace mcemu::compare
