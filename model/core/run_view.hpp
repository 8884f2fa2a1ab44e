#pragma once  // What a finished run shows to those who report it.
#include <vector>

#include "core/cxl/mailbox.hpp"
#include "core/event.hpp"
#include "core/fate.hpp"
#include "core/kernel/kernel.hpp"
#include "core/mca/bank_snapshot.hpp"
#include "core/pmem/error_log.hpp"
#include "core/pmem/poison_list.hpp"
#include "core/pmem/smart.hpp"
#include "core/trace.hpp"

namespace mcemu {

struct RunView {
    const Scenario& scenario;
    const kernel::Kernel& kernel;
    const Trace& trace;
    const Names& names;
    const Fates& fates;
    SimTime end{};
    std::vector<std::vector<DpaRange>> nvdimm_poison{};  ///< per NVDIMM, maximal runs, rising
    std::vector<pmem::SmartHealth> nvdimm_health{};    ///< per NVDIMM
    std::vector<pmem::ErrorLog> nvdimm_logs{};         ///< per NVDIMM
    std::vector<std::vector<pmem::PoisonRun>> nvdimm_lists{};  ///< what each lists, rising
    std::vector<std::vector<DpaRange>> memdev_poison{};  ///< per CXL device, likewise
    std::vector<std::vector<cxl::MediaErrorRecord>> memdev_lists{};  ///< what each lists
    std::vector<SpaRange> dram_poison{};               ///< maximal runs, rising
    std::vector<BankSnapshot> banks{};                 ///< every bank that was ever used, rising
    std::vector<SimTime> event_times{};                 ///< per event: first time it ran
    std::vector<bool> event_ran{};
    std::vector<TemporalHistory> temporal{};            ///< per Scenario::temporal
    std::uint64_t speculative_hits = 0;                ///< speculation that reached poison
    bool interrupted = false;                          ///< --until or a signal ended it early
};

}  // namespace mcemu
