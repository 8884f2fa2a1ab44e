#pragma once  // What all parts of the machine-check core share: records, grading, the deferred
              // work.
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "core/kernel/env.hpp"
#include "core/kernel/mce/record_pool.hpp"
#include "core/kernel/mce/records.hpp"
#include "core/mca/severity.hpp"

namespace mcemu::kernel {

/// Suspends for good: a flow that a panic overtook.
struct Never {
    bool unless = false;  ///< goes on at once when true
    bool await_ready() const { return unless; }
    void await_suspend(std::coroutine_handle<>) const {}
    void await_resume() const {}
};

/// The copy routine of the stub that holds `ip`; null outside of all.
struct CopyRoutine {
    std::uint64_t begin;
    std::string_view name_v4, name_v6;
    bool mc_safe;    ///< exception table says: a machine check may be fixed up
    bool from_user;  ///< reads user memory; recoverable in v6.1 only
};
const CopyRoutine* copy_routine(std::uint64_t ip);
inline constexpr std::uint64_t kCopyRoutineSize = 0x100;

class MceCore {
public:
    explicit MceCore(Kernel& kernel);

    Kernel& kernel;
    Env& env;
    const bool v6;            ///< the rules of mce/core.c, v6.1
    bool ser = true;          ///< MCG_CAP.SER_P
    std::uint32_t banks = 0;  ///< MCG_CAP.Count
    /// Banks whose mce_banks[].ctl is not 0: the others are never scanned nor polled.
    std::uint64_t examined = ~std::uint64_t{0};
    mca::SeverityGrader grader;
    RecordPool pool;
    /// The work of mce_work: runs the notifier chain over the pool.
    std::function<Task<void>(Context&)> process_records;

    // CPUs
    bool online(CpuId cpu) const { return cpu < env.machine.cpus.count() && !offline_.count(cpu); }
    std::uint32_t online_count() const {
        return env.machine.cpus.count() - static_cast<std::uint32_t>(offline_.size());
    }
    void set_online(CpuId cpu, bool online);

    // records (kernel.md 1.3)
    /// mce_setup(): who and when.
    mca::MceRecord setup(CpuId cpu) const;
    /// mce_gather_info(): setup and MCG_STATUS; `frame` gives the IP when MCG_STATUS says so.
    mca::MceRecord gather(CpuId cpu, const Frame* frame) const;

    // registers: the hardware's, or the injector's (mce_rdmsrl(), mce_wrmsrl())
    std::uint64_t read(CpuId cpu, std::uint32_t msr) const;
    void write(CpuId cpu, std::uint32_t msr, std::uint64_t value);
    /// Banks with VAL set, as a mask.
    std::uint64_t valid_banks(CpuId cpu) const;
    Frame frame(CpuId cpu) const;
    /// By CPU; what was injected stays visible after it was raised.
    std::map<CpuId, InjectedRegisters> injected;

    /// mce_read_aux().
    void read_aux(CpuId cpu, std::uint32_t bank, mca::MceRecord& m) const;
    /// Scenario event whose error the bank holds.
    std::uint32_t origin(CpuId cpu, std::uint32_t bank) const;

    /// mce_severity(); in #MC context of v6.1 it also notes in kflags what can be recovered.
    mca::Grade grade(mca::MceRecord& m, bool from_exception, bool has_regs);

    /// mce_log(): true when the record went into the pool, so that irq_work() is due.
    bool log(CpuId cpu, mca::MceRecord m);
    /// Notes that an error in a bank makes no record, or that its record is lost; the trace id.
    std::uint32_t note_dropped(CpuId cpu, std::uint64_t bank, mca::Severity severity, DropReason why) {
        return env.trace.note(Module::kernel, TraceKind::mce_dropped, cpu, bank,
                              static_cast<std::uint64_t>(severity), static_cast<std::uint64_t>(why));
    }
    /// The first records of the run that went into the pool; a storm's later ones are only counted.
    std::vector<LoggedRecord> history;
    void taken(const mca::MceRecord& m, LoggedRecord::Taken by) {
        if (m.number != 0 && m.number <= history.size()) history[m.number - 1].taken = by;
    }
    /// mce_irq_work: a self-interrupt as soon as `cpu` has interrupts on; starts the worker.
    Task<void> irq_work(CpuId cpu);
    /// schedule_work(&mce_work), if the pool holds something: one work item for all CPUs.
    void schedule_work(CpuId cpu);

    /// A record has passed the first notifier.
    void set_need_notify() { need_notify_ = true; }
    /// mce_notify_irq(): "events logged", twice a minute. True when something was new.
    bool notify_irq(CpuId cpu);

    void add_taint(CpuId cpu);
    void lock_debugging_off() { tainted_ = true; }

    /// Lets a flow go on by itself; what it causes does not become a cause of what follows here.
    template <class MakeFlow>
    void start_flow(MakeFlow make) {
        const Causality mine = env.agenda.why();
        env.flows.spawn(make);
        env.agenda.set_why(mine);
    }

private:
    const InjectedRegisters* injected_on(CpuId cpu) const;
    mca::ErrorContext error_context(mca::MceRecord& m, bool has_regs) const;
    bool filtered(const mca::MceRecord& m) const;
    Task<void> work(Context& ctx);

    std::set<CpuId> offline_;
    RateLimit notify_limit_;
    RateLimit pool_full_limit_;
    bool need_notify_ = false;
    bool tainted_ = false;
    bool work_pending_ = false;
    CpuId work_running_on_ = kNoCpu;
};

}  // namespace mcemu::kernel
