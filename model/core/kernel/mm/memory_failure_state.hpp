#pragma once  // The parts of memory_failure(), one file each (kernel.md section 2).
#include <deque>
#include <map>
#include <optional>
#include <string_view>
#include <vector>

#include "core/kernel/kernel.hpp"
#include "core/kernel/mm/mm.hpp"
#include "core/kernel/mm/process_state.hpp"

namespace mcemu::kernel {

inline constexpr int kEhwpoison = 133;  // EHWPOISON is Linux's own

struct MemoryFailure::State {
    explicit State(Kernel& k);

    /// struct to_kill.
    struct Victim {
        std::uint32_t process;  ///< the thread to be told
        std::uint64_t addr;
        int shift;
        bool valid;
    };
    /// What dax_lock_mapping_entry() returned.
    struct DaxLock {
        enum class Status : std::uint8_t { failed, locked, died } status = Status::failed;
        Mapping* mapping = nullptr;  ///< null: nothing to unlock (device-dax)
        std::uint64_t key = 0;
    };
    struct Entry {
        Pfn pfn;
        unsigned flags;
        Causality why;
    };
    /// debugfs hwpoison/corrupt-filter-*.
    static constexpr std::uint32_t kAnyDevice = ~std::uint32_t{0};
    struct Filter {
        bool enable = false;
        std::uint32_t dev_major = kAnyDevice, dev_minor = kAnyDevice;
        std::uint64_t flags_mask = 0, flags_value = 0;
        std::uint64_t memcg = 0;  ///< inode of a cgroup; 0: any
    };
    struct Fifo {
        std::deque<Entry> entries;
        bool scheduled = false;
    };

    Kernel& kernel;
    Env& env;
    const Profile& profile;
    FlowMutex mf_mutex;  // v6.1
    bool hw_memory_failure = false;
    using PageLocks = std::map<std::uint64_t, WaitQueue>;
    PageLocks locked;                 // v4.x: PG_locked, by pfn
    PageLocks::node_type spare_lock;  // of the last one released: the next needs no allocation
    RateLimit unpoison_limit;
    Filter filter;
    std::vector<Fifo> fifos;  // by CPU
    struct FailingPage {
        PageFailure what;
        Pfn pfn;
    };
    std::vector<FailingPage> failing;  // kernel.knobs.page_failures

    Mm& mm() { return kernel.processes.mm(); }
    Page& page(Pfn pfn) { return kernel.memory.page(pfn); }
    void set_flag(Pfn pfn, PageFlag flag, bool on);

    // memory_failure.cpp
    Task<int> dispatch(Context& ctx, Pfn pfn, unsigned flags);
    Task<int> panic(Context& ctx, Pfn pfn);
    Task<int> serialised(Context& ctx, Pfn pfn, unsigned flags);
    Task<int> handle(Context& ctx, Pfn pfn, unsigned flags);
    Task<int> already_poisoned(Context& ctx, Pfn pfn, unsigned flags);
    int outside(Context& ctx, Pfn pfn);
    void action_result(Context& ctx, Pfn pfn, PageType type, MfResult result);
    /// The first lock of a memory_failure(): the point where the worker gets its turn.
    Task<void> first_sleep(Context& ctx);
    Task<void> drain(Context& ctx, CpuId cpu);
    /// lock_page(): v6.1 needs none, as mf_mutex keeps everybody else out.
    Task<void> lock_page(Pfn pfn);
    Task<void> wait_for_page(Pfn pfn);
    void take_page(Pfn pfn);
    void unlock_page(Pfn pfn);

    // memory_failure_dax.cpp
    Task<int> dev_pagemap(Context& ctx, Pfn pfn, unsigned flags);
    Task<int> dax_generic(Context& ctx, Pfn pfn, unsigned flags);
    Task<int> notify_holder(Context& ctx, Pfn pfn, unsigned flags);
    bool has_holder(Pfn pfn) const;
    Task<DaxLock> lock_dax(Context& ctx, Pfn pfn);
    void unlock_dax(const DaxLock& lock);
    Task<void> unmap_and_kill(Context& ctx, Pfn printed, Mapping& mapping, std::uint64_t index,
                              unsigned flags);

    // memory_failure_ram.cpp
    Task<int> ram(Context& ctx, Pfn pfn, unsigned flags);
    Task<int> ram_locked(Context& ctx, Pfn pfn, unsigned flags);
    bool non_anon_thp(Pfn pfn);
    bool splits(Pfn pfn, bool referenced);
    int unsplit(Context& ctx, Pfn pfn);
    Task<bool> user_mappings(Context& ctx, Pfn pfn, unsigned flags);
    PageType classify(std::uint32_t flags) const;
    MfResult act(Context& ctx, Pfn pfn, PageType type);
    MfResult truncate_error_page(Context& ctx, Pfn pfn);
    bool delete_from_lru_cache(Pfn pfn);
    MfResult check_references(Context& ctx, Pfn pfn, PageType type, MfResult result);
    void just_unpoisoned(Context& ctx, Pfn pfn, Pfn head);
    int finish(Context& ctx, Pfn pfn, PageType type, MfResult result);

    // page_failures.cpp
    void find_failing();
    /// Whether the scenario wants this to go wrong with the (compound) page of `pfn`.
    bool fails(PageFailure what, Pfn pfn);
    /// Whether the huge page around `pfn` is split while somebody takes a reference; it is, then.
    bool lost_tail(Context& ctx, Pfn pfn);

    /// The list of collect_procs(): whether there is memory for one more entry. `first`: none was
    /// added yet.
    bool room_for_victim(Context& ctx, Pfn pfn, bool first);

    // memory_failure_huge.cpp
    Task<int> huge(Context& ctx, Pfn pfn, unsigned flags);
    bool is_hugetlb(Pfn pfn);
    int undo_huge(Pfn head);
    Task<int> huge_locked(Context& ctx, Pfn pfn, Pfn head, unsigned flags);
    MfResult me_huge_page(Context& ctx, Pfn pfn, Pfn head);
    /// v6.1: the bad base pages of a huge page, by its head (struct raw_hwp_page).
    std::map<std::uint64_t, std::vector<Pfn>> raw_pages;
    /// What comes of an error in a huge page by its bad pages known so far.
    bool poisoned_before(Pfn pfn, Pfn head);
    std::vector<Pfn> take_raw_pages(Pfn head);
    bool dissolve(Pfn pfn);

    // kill.cpp
    Process* task_early_kill(const Context& ctx, Process& main, bool forced) const;
    Task<void> kill_procs(Context& ctx, Pfn pfn, std::vector<Victim> victims, bool fail,
                          unsigned flags);
    int kill_proc(Context& ctx, Pfn pfn, const Victim& victim, unsigned flags);
    int kill_accessing_process(Context& ctx, Pfn pfn, unsigned flags);

    // hwpoison_filter.cpp
    bool filter_set(std::string_view file, std::uint64_t value);
    bool filter_accepts(Pfn pfn);
    bool filter_dev(Pfn pfn);
    std::uint64_t stable_page_flags(Pfn pfn);
    void mark_filtered();

    // soft_offline.cpp
    Task<int> soft_offline(Context& ctx, Pfn pfn, unsigned flags);
    Task<int> soft_offline_huge(Context& ctx, Pfn pfn);
    Task<int> soft_offline_in_use(Context& ctx, Pfn pfn, bool referenced);
    void unknown_type(Context& ctx, Pfn pfn);
    int isolation_failed(Context& ctx, Pfn pfn, bool huge);
    int migration_failed(Context& ctx, Pfn pfn, std::int64_t error, bool huge);
    void drop_reference(Pfn pfn);

    // unpoison.cpp
    Task<int> unpoison(Context& ctx, Pfn pfn);
    void unpoison_line(Context& ctx, Line line, Pfn pfn);
    void lift(Pfn pfn);
};

}  // namespace mcemu::kernel
