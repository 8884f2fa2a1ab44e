// Scenario events that the administrator's shell performs: firmware calls, knobs, CPU hotplug,
// kernel functions by name. What processes do is in mm/process.cpp.
#include <algorithm>
#include <string_view>

#include "core/kernel/cxl/poison.hpp"
#include "core/kernel/kernel.hpp"

namespace mcemu::kernel {
namespace {

constexpr std::uint64_t kCecCountMask = 1023;  // ten bits of an element (drivers/ras/cec.c)

/// `cxl list --media-errors`.
Node media_errors(const std::vector<cxl::MediaErrorRecord>& records) {
    Node list = Node::list();
    for (const cxl::MediaErrorRecord& r : records) {
        const char* source = "Unknown";
        switch (r.source()) {
            case cxl::PoisonSource::external: source = "External"; break;
            case cxl::PoisonSource::internal: source = "Internal"; break;
            case cxl::PoisonSource::injected: source = "Injected"; break;
            case cxl::PoisonSource::vendor: source = "Vendor"; break;
            default: break;
        }
        list.push(Node::object()
                      .add("offset", r.dpa())
                      .add("length", r.bytes())
                      .add("source", source));
    }
    return Node::object().add("media_errors", std::move(list));
}

}  // namespace

void Kernel::perform(std::uint32_t event, const Action& action) {
    const Causality why = env.agenda.why();
    if (const auto* e = std::get_if<DsmEvent>(&action))
        flows.spawn([&] { return dsm_ioctl(event, *e); });
    else if (const auto* cxl = std::get_if<CxlEvent>(&action))
        flows.spawn([&] { return cxl_command(event, *cxl); });
    else if (const auto* scrub = std::get_if<ScrubEvent>(&action)) start_scrub(event, *scrub);
    else if (const auto* knob = std::get_if<SysctlEvent>(&action)) sysctl(event, *knob);
    else if (const auto* cpu = std::get_if<CpuHotplugEvent>(&action)) hotplug(event, *cpu);
    else if (const auto* ns = std::get_if<NamespaceEvent>(&action))
        flows.spawn([&] { return ndctl(event, *ns); });
    else if (const auto* command = std::get_if<NdctlEvent>(&action))
        flows.spawn([&] { return ndctl_tool.run(event, *command); });
    else if (const auto* call = std::get_if<CallEvent>(&action))
        flows.spawn([&] { return call_function(event, *call); });
    else if (const auto* mce = std::get_if<MceEvent>(&action)) machine_check_core.inject(event, *mce);
    else processes.perform(event, action);
    env.agenda.set_why(why);
}

Task<void> Kernel::dsm_ioctl(std::uint32_t event, DsmEvent e) {
    Context ctx;
    ctx.comm = env.names.intern("sh");
    ctx.pid = 1000;
    DsmReply reply;
    const int rc = co_await libnvdimm.ioctl(ctx, e, reply);
    processes.record_syscall(event, "ioctl", rc);
    ndctl_tool.report_call(event, e, rc, reply);
    event_done(event);
}

Report& Kernel::report(std::uint32_t event, std::string what, std::int64_t ret) {
    Report& r = reports.emplace_back();
    r.at = env.agenda.now();
    r.event = event;
    r.what = std::move(what);
    r.ret = ret;
    return r;
}

void Kernel::report_data(std::uint32_t event, std::string what, std::int64_t ret,
                         const Libnvdimm::Found& found) {
    Report& r = report(event, std::move(what), ret);
    if (ret < 0 || found.pieces.empty()) return;
    const pmem::Contents::Summary& first = found.pieces.front();
    const bool alike = std::all_of(found.pieces.begin(), found.pieces.end(),
                                   [&](const auto& piece) { return piece == first; });
    r.output = Node::object();
    r.output.add("data", alike ? first.what : std::string_view("mixed"));
    if (alike && first.what == "fill") {
        const std::uint32_t byte = first.word & 0xff;
        r.output.add("fill", first.word == byte * 0x01010101u ? byte : first.word);
    }
    if (alike && first.pattern) r.output.add("pattern", scenario.patterns[*first.pattern]);
    r.output.add("equal", found.equal);
}

/// Writes to the driver's files of debugfs and sysfs, one command after the other; a raw command
/// for Scan Media, which the driver has no file for.
Task<void> Kernel::cxl_command(std::uint32_t event, CxlEvent e) {
    using Command = CxlEvent::Command;
    Context ctx;
    ctx.comm = env.names.intern("sh");
    ctx.pid = 1000;
    cxl::Mailbox* const device = env.hw.cxl_mailbox(e.memdev);
    const auto trace = [&](const std::vector<cxl::MediaErrorRecord>& records) {
        for (const cxl::MediaErrorRecord& r : records)
            env.trace.note(Module::kernel, TraceKind::cxl_poison, e.memdev, r.dpa(), r.bytes(),
                           static_cast<std::uint64_t>(r.source()));
    };
    const bool by_lines = e.command == Command::inject_poison || e.command == Command::clear_poison;
    int rc = device ? 0 : -ENXIO;
    for (std::uint64_t done = 0; rc == 0;) {
        co_await phase(env, ctx.cpu, Lat::cxl_mailbox);
        switch (e.command) {
            case Command::get_poison_list: {
                const CxlPoisonTrace list = cxl_trigger_poison_list(*device);
                trace(list.records);
                rc = list.error;
                report(event, "cxl list", rc).output = media_errors(list.records);
                break;
            }
            case Command::inject_poison:
                rc = cxl_inject_poison(*device, e.dpa + done, env.agenda.now());
                break;
            case Command::clear_poison:
                rc = cxl_clear_poison(*device, e.dpa + done);
                break;
            case Command::scan_media:
                rc = cxl_errno(device->scan_media({e.dpa, e.dpa + e.length}, env.agenda.now()));
                break;
            case Command::get_scan_media_results: {
                const cxl::ScanMediaReply reply = device->get_scan_media_results(env.agenda.now());
                trace(reply.records);
                rc = cxl_errno(reply.code);
                if ((reply.flags & cxl::kMoreRecords) != 0) continue;
                break;
            }
        }
        done += kLineSize;
        if (!by_lines || done >= e.length) break;
    }
    processes.record_syscall(event, by_lines || e.command == Command::get_poison_list ? "write" : "ioctl", rc);
    event_done(event);
}

/// The interrupt handler of a device's driver: a request that failed is an I/O error.
void Kernel::dma_done(std::uint32_t event, DmaStatus status, std::uint32_t planted_by) {
    const int rc = status == DmaStatus::done ? 0 : -EIO;
    if (status == DmaStatus::poisoned)
        env.fates.mark(planted_by, Fate::consumed, FateReason::dma_error, env.agenda.why().cause);
    processes.record_syscall(event, "dma", rc);
    event_done(event);
}

Task<void> Kernel::ndctl(std::uint32_t event, NamespaceEvent e) {
    Context ctx;
    ctx.comm = env.names.intern("ndctl");
    ctx.pid = 1000;
    int rc = 0;
    if (e.enable)
        rc = co_await libnvdimm.enable(ctx, e.ns);
    else
        rc = co_await libnvdimm.disable(ctx, e.ns);
    processes.record_syscall(event, "write", rc);  // to the bus's bind and unbind files
    event_done(event);
}

void Kernel::start_scrub(std::uint32_t event, const ScrubEvent& e) {
    processes.record_syscall(event, "write", libnvdimm.rescan(e.kind == ScrubEvent::Kind::ars_full));
    event_done(event);
}

/// vm.* of /proc/sys, hwpoison/corrupt-filter-* and ras/cec/ of debugfs (kernel.md 3.2, 1.18), and the files of
/// machinecheck/machinecheckN in sysfs (kernel.md 1.21).
int Kernel::write_knob(std::string_view name, std::uint64_t value) {
    if (name.starts_with("vm.")) name.remove_prefix(3);
    if (name.starts_with("memory_failure_")) {
        if (value > 1) return -EINVAL;  // proc_dointvec_minmax() with 0 and 1 as bounds
        if (name == "memory_failure_early_kill") config.memory_failure_early_kill = value != 0;
        else if (name == "memory_failure_recovery") config.memory_failure_recovery = value != 0;
        else return -ENOENT;
        return 0;
    }
    if (memory_failure.write_filter(name, value)) return 0;
    if (name == (env.profile.has_tolerant ? "count_threshold" : "action_threshold")) {
        if (!config.cec) return -ENOENT;
        if (value > kCecCountMask) return -EINVAL;
        config.cec_threshold = static_cast<std::uint32_t>(value);
        return 0;
    }
    if (name.starts_with("bank")) return machine_check_core.write_bank(name.substr(4), value);
    if (name == "tolerant" && env.profile.has_tolerant) config.tolerant = static_cast<int>(value);
    else if (name == "monarch_timeout") config.monarch_timeout_us = value;
    else if (name == "check_interval") config.check_interval_s = value;
    else if (name == "ignore_ce") config.ignore_ce = value != 0;
    else if (name == "dont_log_ce") config.dont_log_ce = value != 0;
    else if (name == "cmci_disabled") config.cmci_disabled = value != 0;
    else if (name == "print_all" && !env.profile.has_tolerant) config.print_all = value != 0;
    else if (name == "fake_panic") config.fake_panic = value != 0;
    else return -ENOENT;
    machine_check_core.config_changed(name);
    return 0;
}

void Kernel::sysctl(std::uint32_t event, const SysctlEvent& e) {
    const int rc = write_knob(e.name, e.value);
    processes.record_syscall(event, "write", rc);
    event_done(event);
}

void Kernel::hotplug(std::uint32_t event, const CpuHotplugEvent& e) {
    // The boot CPU of this kernel configuration cannot go (arch/x86/kernel/topology.c).
    const int rc = e.cpu == 0 && !e.online ? -EPERM : 0;
    if (rc == 0) {
        // The machine-check code leaves a CPU before it goes and takes it in once it is there.
        if (!e.online) machine_check_core.cpu_hotplug(e.cpu, false);
        env.hw.set_online(e.cpu, e.online);
        if (e.online) machine_check_core.cpu_hotplug(e.cpu, true);
    }
    processes.record_syscall(event, "write", rc);
    event_done(event);
}

Task<void> Kernel::call_function(std::uint32_t event, CallEvent call) {
    Context ctx;
    ctx.comm = env.names.intern("sh");
    ctx.pid = 1000;
    if (call.process >= 0) ctx = processes.context(processes[static_cast<std::uint32_t>(call.process)]);
    const auto argument = [&](std::size_t i) {
        return i < call.arguments.size() ? call.arguments[i] : std::uint64_t{0};
    };
    const Pfn pfn{argument(0)};
    const std::string_view name = call.function;
    processes.begin_kernel_work(ctx.cpu);
    std::int64_t ret = 0;
    if (name == "memory_failure") {
        ret = co_await memory_failure.memory_failure(ctx, pfn, static_cast<unsigned>(argument(1)));
    } else if (name == "soft_offline_page") {
        ret = co_await memory_failure.soft_offline_page(ctx, pfn, static_cast<unsigned>(argument(1)));
    } else if (name == "set_mce_nospec" || name == "mce_unmap_kpfn") {
        ret = co_await nospec.set_mce_nospec(ctx, pfn);
    } else if (name == "clear_mce_nospec") {
        ret = co_await nospec.clear_mce_nospec(ctx, pfn);
    } else if (name == "reserve_memtype" || name == "memtype_reserve") {
        ret = memtypes.reserve(ctx, argument(0), argument(1), static_cast<CacheMode>(argument(2)), nullptr);
    } else if (name == "free_memtype" || name == "memtype_free") {
        ret = memtypes.free(ctx, argument(0), argument(1));
    } else if (name == "dump_page") {
        looked_at.push_back(pfn);
    } else {
        ret = -ENOENT;  // the scenario reader knows the names: not reached from a scenario
    }
    processes.record_syscall(event, call.function, ret);
    processes.end_kernel_work(ctx.cpu);
    if (ctx.task) co_await processes.exit_to_user(ctx);
    event_done(event);
}

}  // namespace mcemu::kernel
