#pragma once  // A register that every logical processor has, nearly always with the same value.
#include <cstdint>
#include <vector>

#include "core/units.hpp"

namespace mcemu::mca {

/// One value for all CPUs plus exceptions. Setting all CPUs costs the same for one and for 4,096:
/// the exceptions of an older epoch no longer count. Also knows at once whether any CPU has, or
/// lacks, a watched bit.
class PerCpuRegister {
public:
    explicit PerCpuRegister(std::uint32_t cpus, std::uint64_t initial = 0,
                            std::uint64_t watched = 0)
        : cpus_(cpus), base_(initial), watched_(watched) {}

    std::uint64_t get(CpuId cpu) const {
        return own_.empty() || own_[cpu].epoch != epoch_ ? base_ : own_[cpu].value;
    }
    void set(CpuId cpu, std::uint64_t value) {
        if (own_.empty()) {
            if (value == base_) return;
            own_.resize(cpus_);
        }
        Own& own = own_[cpu];
        if (own.epoch == epoch_)
            with_ -= (own.value & watched_) != 0;
        else
            ++exceptions_;
        own = {value, epoch_};
        with_ += (value & watched_) != 0;
    }
    void set_all(std::uint64_t value) {
        base_ = value;
        ++epoch_;
        exceptions_ = with_ = 0;
    }

    /// Does any CPU have the watched bit set; does any have it clear?
    bool any_with() const { return with_ != 0 || ((base_ & watched_) && exceptions_ < cpus_); }
    bool any_without() const {
        return exceptions_ != with_ || (!(base_ & watched_) && exceptions_ < cpus_);
    }

private:
    struct Own {
        std::uint64_t value = 0;
        std::uint32_t epoch = 0;
    };
    std::uint32_t cpus_;
    std::uint64_t base_;
    std::uint64_t watched_;
    std::uint32_t epoch_ = 1;
    std::uint32_t exceptions_ = 0;  // CPUs with a value of their own in this epoch
    std::uint32_t with_ = 0;        // of those, the ones with the watched bit
    std::vector<Own> own_;          // empty until the first exception
};

}  // namespace mcemu::mca
