// The kernel's machine-check path: kernel.md 1.
#include "core/fidelity/fidelity.hpp"

namespace mcemu::fidelity {
namespace {

constexpr Rule kHandler[] = {
    {"order of the handler: pre-scan, rendezvous, scan, clear, dispose",
     "Linux 4.18, 4.19, 6.1 do_machine_check()", Check::record,
     "all/mce-srar-user-anon all/mce-fatal-pcc all/mce-srao-anon-late all/mce-no-en"},
    {"RIPV clear in user mode: a plain SIGBUS, no memory_failure()",
     "Linux 4.18, 4.19, 6.1 do_machine_check()", Check::record,
     "all/mce-srar-user-eipv-only scenarios/kernel/b17-ripv-clear-v6.1.json"},
    {"memory_failure() runs in the handler's tail (4.x) or as task work (6.1)",
     "Linux 4.19 do_memory_failure(); Linux 6.1 kill_me_maybe()", Check::record,
     "all/mce-srar-user-anon all/mce-srar-user-devdax-2m", "task_work"},
    {"a second machine check of other data before task work panics", "Linux 6.1 queue_task_work()",
     Check::spec, "scenarios/kernel/second-machine-check-before-task-work-v6.1.json"},
    {"`tolerant` softens or sharpens what panics, 4.x only",
     "Linux 4.19 do_machine_check(), mce_timed_out(), mce_severity()", Check::record,
     "4.x/tolerant-0-srar-user-anon 4.x/tolerant-2-smp-one-cpu 4.x/tolerant-3-srar-user-eipv-only",
     "has_tolerant KernelConfig.tolerant"},
    {"poison met inside copy_from_user() is survived by 6.1 and fatal to 4.x",
     "Linux 6.1 error_context(), kill_me_never(); Linux 4.19 error_context()", Check::record,
     "all/kcopy-copyin-anon", "copyin_recovers"},
    {"poison met in a machine-check safe copy: the copy stops, no memory_failure()",
     "Linux 4.19 memcpy_mcsafe(); Linux 6.1 copy_mc_to_kernel()", Check::record,
     "all/kcopy-pmem-block-read 4.x/kcopy-pmem-block-read-mcsafe all/kcopy-fsdax-read",
     "KernelConfig.mcsafe"},
    {"the taint line: inside the scan (4.x), after the rendezvous (6.1), only the first time",
     "Linux 4.19 do_machine_check(); Linux 6.1 do_machine_check(); add_taint()", Check::record,
     "all/mce-srar-user-anon all/mce-srao-anon-late",
     "taint_after_rendezvous KernelConfig.tainted"},
};

constexpr Rule kRendezvous[] = {
    {"the first CPU to arrive is the monarch; the scan is serial in the order of arrival",
     "Linux 4.19, 6.1 mce_start(), mce_end()", Check::record, "all/smp2-srao-broadcast"},
    {"who does not come within monarch_timeout: four panics", "Linux 4.19, 6.1 mce_timed_out()",
     Check::record, "all/smp2-srao-one-cpu", "KernelConfig.monarch_timeout_us"},
    {"6.1 names the CPUs that did not answer", "Linux 6.1 mce_timed_out()", Check::record,
     "6.1/smp2-srao-one-cpu scenarios/hardware/stuck-cpus-named.json", "reports_missing_cpus"},
    {"nothing worse than KEEP anywhere is a fatal machine check from unknown source",
     "Linux 4.19, 6.1 mce_reign()", Check::record, "all/mce-no-en all/mce-ucna-anon"},
    {"a local fatal panic prints bank 0 (4.x) or the real bank (6.1)",
     "Linux 4.19, 6.1 mce_no_way_out()", Check::spec, "", "local_panic_prints_bank"},
    {"a panic prints the unprocessed records and the worst one once", "Linux 4.19 mce_panic()",
     Check::record, "all/mce-fatal-pcc all/mce-srar-kernel all/smp2-fatal-broadcast"},
    {"fake_panic: the line instead of the panic, and the handler goes on",
     "Linux 4.18, 4.19 mce_panic()", Check::record, "4.x/fake-panic-pcc",
     "KernelConfig.fake_panic"},
};

constexpr Rule kSeverity[] = {
    {"severity: 26 rows (4.x) and 27 rows (6.1), first match",
     "Linux 4.18, 4.19 mce-severity.c severities[]; Linux 6.1 severity.c severities[]",
     Check::record,
     "all/mce-fatal-pcc all/mce-fatal-no-mcip all/mce-srar-no-ripv-eipv all/mce-no-en "
     "all/mce-srao-unknown-mcacod all/mce-srao-thp all/mce-ucna-anon"},
    {"6.1: UC or worse in kernel context is a panic whatever the row says",
     "Linux 6.1 mce_severity_intel()", Check::spec, "", "grades_kernel_uc_as_panic"},
    {"SRAO with OVER: UCNA or SOME (4.x), AO (6.1)", "Linux 4.19, 6.1 severities[]", Check::spec,
     ""},
};

constexpr Rule kRecords[] = {
    {"the pool holds 64 (4.x) or 32 (6.1) records; one more is lost with a line",
     "Linux 4.19, 6.1 mce_gen_pool_add()", Check::spec, "", "record_pool_capacity"},
    {"`Machine check events logged`: twice in 60 s", "Linux 4.19, 6.1 mce_notify_irq()",
     Check::record, "all/mce-ce-burst all/mce-srao-anon-twice"},
    {"the chain of notifiers runs in a worker, oldest record first",
     "Linux 4.19, 6.1 mce_gen_pool_process()", Check::record,
     "all/mce-srao-devdax-2m all/poll-ucna-devdax",
     "KernelConfig.nfit KernelConfig.edac KernelConfig.mcelog KernelConfig.extlog "
     "KernelConfig.worker_comm KernelConfig.worker_pid"},
    {"SRAO is handled by memory_failure() in the worker; UCNA by 6.1 only",
     "Linux 4.19 srao_decode_notifier(); Linux 6.1 uc_decode_notifier()", Check::record,
     "all/mce-srao-anon-early all/poll-ucna-anon", "uc_notifier_handles_ucna"},
    {"the default printer: 4.x while at most three notifiers are there, 6.1 what nobody handled",
     "Linux 4.19, 6.1 mce_default_notifier()", Check::record,
     "all/mce-srao-no-addrv all/mce-srao-no-miscv all/mce-ce-anon 6.1/mce-srar-user-anon",
     "printer_looks_at_kflags KernelConfig.print_all"},
    {"a record's lines, with PPIN in 6.1", "Linux 4.19, 6.1 print_mce()", Check::record,
     "all/mce-fatal-pcc 6.1/mce-ce-anon", "prints_ppin"},
    {"where task lines and worker lines of one event come out",
     "records (kernel.md 6); Linux scheduler", Check::record,
     "all/mce-srar-user-anon all/mce-srar-user-ext4dax-4k all/mce-srar-already-poisoned"},
};

constexpr Rule kCorrected[] = {
    {"what a poll logs and clears: by S alone (4.x), by UC, EN, PCC and S (6.1)",
     "Linux 4.19, 6.1 machine_check_poll()", Check::record,
     "all/mce-ce-anon all/poll-ucna-anon all/mce-ucna-anon",
     "poll_checks_s_only KernelConfig.check_interval_s KernelConfig.ignore_ce "
     "KernelConfig.dont_log_ce"},
    {"who owns a bank for CMCI polls it no more", "Linux 4.19, 6.1 cmci_discover()", Check::spec,
     "", "KernelConfig.cmci_disabled"},
    {"the 16th CMCI in a second begins a storm; 300 quiet seconds end it",
     "Linux 4.19, 6.1 cmci_storm_detect(), cmci_intel_adjust_timer()", Check::spec,
     "scenarios/hardware/corrected-error-storm.json", "mce_prefix_on_storm"},
    {"the collector of corrected errors soft-offlines a page at its threshold",
     "Linux 4.19, 6.1 cec_add_elem()", Check::spec, "scenarios/mca/collector-threshold-v4.19.json",
     "KernelConfig.cec KernelConfig.cec_threshold"},
    {"mce=off, no_lmce, nobootlog, bios_cmci_threshold",
     "Linux 4.19, 6.1 mcheck_enable(), cmci_discover()", Check::spec,
     "scenarios/mca/switched-off-v4.19.json scenarios/mca/firmware-threshold-kept-v4.19.json "
     "scenarios/mca/local-switched-off-v6.1.json",
     "KernelConfig.mce_off KernelConfig.lmce_disabled KernelConfig.bootlog "
     "KernelConfig.bios_cmci_threshold"},
    {"bankN in sysfs: CTL 0 takes a bank out of scan and poll; every write restarts all banks",
     "Linux 4.19, 6.1 set_bank(), mce_restart()", Check::spec,
     "scenarios/mca/bank-masked-by-sysfs-v4.19.json"},
    {"firmware-first records: their lines, their place in the pool, what they ask for",
     "Linux 4.18, 4.19 ghes_do_proc(), apei_mce_report_mem_error()", Check::record,
     "4.x/ghes-corrected-devdax-then-srar 4.x/ghes-corrected-threshold-devdax "
     "4.x/ghes-fatal-anon 4.x/ghes-recoverable-ext4dax-early"},
};

constexpr Subject kMachineCheckSubjects[] = {
    {"machine-check handler", "kernel.md 1.2 to 1.5, 1.13, 1.20", kHandler},
    {"rendezvous and panic", "kernel.md 1.6 to 1.10", kRendezvous},
    {"severity", "kernel.md 1.11, 1.12", kSeverity},
    {"records and notifiers", "kernel.md 1.14 to 1.16, 6", kRecords},
    {"corrected errors and firmware", "kernel.md 1.17 to 1.19, 1.21", kCorrected},
};

}  // namespace

std::span<const Subject> machine_check_subjects() { return kMachineCheckSubjects; }

}  // namespace mcemu::fidelity
