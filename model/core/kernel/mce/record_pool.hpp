#pragma once  // The lock-free record pool between the #MC handler and its worker (kernel.md 1.14).
#include <algorithm>
#include <utility>
#include <vector>

#include "core/agenda.hpp"
#include "core/mca/mce_record.hpp"

namespace mcemu::kernel {

/// Two records tell of the same error (mce_cmp()): same bank, STATUS, ADDR and MISC.
inline bool same_error(const mca::MceRecord& a, const mca::MceRecord& b) {
    return a.bank == b.bank && a.status == b.status && a.addr == b.addr && a.misc == b.misc;
}

/// Source: mcheck/mce-genpool.c, mce/genpool.c. Entries leave the pool in two steps: they are
/// detached from the list as a whole, but their memory is free only after each was processed.
class RecordPool {
public:
    struct Entry {
        mca::MceRecord record;
        Causality why;
    };

    explicit RecordPool(unsigned capacity) : capacity_(capacity) {}

    /// False: the pool is full and the record is lost.
    bool add(const mca::MceRecord& record, Causality why) {
        if (used_ == capacity_) return false;
        ++used_;
        list_.push_back({record, why});
        return true;
    }
    bool empty() const { return list_.empty(); }
    /// The whole list, oldest first. release() gives the memory of one entry back.
    std::vector<Entry> detach() { return std::exchange(list_, std::move(spare_)); }
    void release() { --used_; }
    /// Takes a processed list back, so that the next one needs no allocation.
    void recycle(std::vector<Entry> list) {
        spare_ = std::move(list);
        spare_.clear();
    }
    /// As detach(), without records of which an older duplicate is in the list: what a panic
    /// prints (mce_gen_pool_prepare_records()).
    std::vector<Entry> detach_unique() {
        std::vector<Entry> unique;
        for (const Entry& e : list_) {
            const auto is_same = [&e](const Entry& u) { return same_error(e.record, u.record); };
            if (std::none_of(unique.begin(), unique.end(), is_same)) unique.push_back(e);
        }
        used_ -= static_cast<unsigned>(list_.size());
        list_.clear();
        return unique;
    }

private:
    unsigned capacity_;
    unsigned used_ = 0;
    std::vector<Entry> list_;
    std::vector<Entry> spare_;  // empty
};

}  // namespace mcemu::kernel
