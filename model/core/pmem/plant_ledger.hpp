#pragma once  // How many poisoned lines of every scenario event are left, over all devices.
#include <cstdint>
#include <vector>

namespace mcemu::pmem {

/// An event's poison may lie on several interleaved modules; the event is healed when the last of
/// its lines is.
class PlantLedger {
public:
    void planted(std::uint32_t origin, std::uint64_t bytes) {
        if (origin == 0) return;
        if (origin >= left_.size()) left_.resize(origin + std::uint64_t{1});
        left_[origin] += bytes;
    }
    /// True when nothing of `origin` is left.
    bool healed(std::uint32_t origin, std::uint64_t bytes) {
        if (origin == 0 || origin >= left_.size()) return false;
        left_[origin] -= bytes;
        return left_[origin] == 0;
    }
    std::uint64_t left(std::uint32_t origin) const {
        return origin < left_.size() ? left_[origin] : 0;
    }

private:
    std::vector<std::uint64_t> left_;  // bytes, by origin
};

}  // namespace mcemu::pmem
