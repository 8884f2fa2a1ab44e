#include "core/kernel/ndctl/ndctl.hpp"

#include "core/kernel/kernel.hpp"
#include "core/kernel/nvdimm/bus.hpp"
#include "core/kernel/nvdimm/scrub.hpp"

namespace mcemu::kernel {
namespace {

using namespace std::chrono_literals;

// In the order of NdctlEvent::Command.
constexpr const char* kNames[] = {"ndctl inject-error",      "ndctl clear-errors",
                                  "ndctl start-scrub",       "ndctl wait-scrub",
                                  "ndctl create-namespace",  "ndctl destroy-namespace",
                                  "ndctl create-namespace",  "ndctl check-namespace",
                                  "ndctl enable-region",     "ndctl disable-region",
                                  "ndctl enable-dimm",       "ndctl disable-dimm",
                                  "ndctl list",              "ndctl inject-smart",
                                  "ndctl monitor",           "read",
                                  "write",                   "ndctl read-infoblock",
                                  "btt map",                 "fail_cmd",
                                  "ndctl init-labels",       "ndctl zero-labels",
                                  "ndctl check-labels",      "ndctl read-labels",
                                  "ndctl write-infoblock"};

}  // namespace

Task<void> Ndctl::run(std::uint32_t event, NdctlEvent c) {
    Context ctx;
    ctx.comm = kernel_.env.names.intern("ndctl");
    ctx.pid = 1000;
    co_await phase(kernel_.env, ctx.cpu, Lat::kernel_syscall);
    Outcome out;
    if (c.command == Command::monitor)
        co_await watch(ctx, event, c, out);
    else
        co_await perform(ctx, c, out);
    std::string what = kNames[static_cast<std::size_t>(c.command)];
    if (c.command == Command::inject_error && c.uninject) what += " --uninject";
    if (c.command == Command::inject_error && c.status) what += " --status";
    if (c.command == Command::read_attribute || c.command == Command::write_attribute)
        what += " " + c.attribute;
    Report& r = kernel_.report(event, std::move(what), out.ret);
    r.output = std::move(out.output);
    r.messages = std::move(out.messages);
    r.human = c.human;
    kernel_.processes.record_syscall(event, kNames[static_cast<std::size_t>(c.command)], out.ret);
    kernel_.event_done(event);
}

Task<void> Ndctl::perform(Context& ctx, const NdctlEvent& c, Outcome& out) {
    switch (c.command) {
        case Command::inject_error:
            if (c.status) co_await inject_status(ctx, c, out);
            else co_await inject(ctx, c, out);
            break;
        case Command::clear_errors:
            co_await clear(ctx, c, out);
            break;
        case Command::start_scrub:
            co_await start_scrub(ctx, c, out);
            break;
        case Command::wait_scrub:
            if (!has_ars()) {
                out.ret = -EOPNOTSUPP;
                break;
            }
            co_await wait_for_scrub(ctx);
            out.output = Node::list().push(bus_node());
            break;
        case Command::create_namespace:
            co_await create(ctx, c, out);
            break;
        case Command::destroy_namespace:
            co_await destroy(ctx, c, out);
            break;
        case Command::reconfigure_namespace:
            co_await reconfigure(ctx, c, out);
            break;
        case Command::check_namespace:
            co_await check(ctx, c, out);
            break;
        case Command::enable_region:
        case Command::disable_region:
            co_await regions(ctx, c, out);
            break;
        case Command::enable_dimm:
        case Command::disable_dimm:
            dimms(c, out);
            break;
        case Command::list:
            co_await list(ctx, c, out);
            break;
        case Command::inject_smart:
            co_await inject_smart(ctx, c, out);
            break;
        case Command::monitor:
            break;  // run() has it
        case Command::read_attribute:
            read_attribute(c, out);
            break;
        case Command::write_attribute:
            write_attribute(c, out);
            break;
        case Command::read_infoblock:
            read_infoblock(c, out);
            break;
        case Command::btt_lookup:
            btt_lookup(c, out);
            break;
        case Command::init_labels:
        case Command::zero_labels:
        case Command::check_labels:
        case Command::read_labels:
            labels(c, out);
            break;
        case Command::write_infoblock:
            write_infoblock(c, out);
            break;
        case Command::fail_command:
            for (std::uint32_t i = 0; i < kernel_.env.machine.nvdimms.size(); ++i)
                if (c.all || c.nvdimm == static_cast<int>(i))
                    kernel_.libnvdimm.fail_command(i, c.failing, c.code);
            break;
    }
}

const NamespaceConfig& Ndctl::used_as(std::uint32_t ns) const {
    const PmemNamespace& n = kernel_.libnvdimm.bus().namespaces()[ns];
    return n.enabled ? *n.config : n.made;
}

const char* Ndctl::word(NamespaceMode mode) {
    constexpr const char* kModes[] = {"raw", "fsdax", "devdax", "sector"};
    return kModes[static_cast<std::size_t>(mode)];
}

bool Ndctl::has_ars() const {
    return kernel_.env.config.nfit && kernel_.env.machine.clear_error_supported &&
           !kernel_.env.machine.regions.empty();
}

// ndctl_bus_wait_for_scrub_completion(): root reads the attribute whenever it was signalled.
Task<void> Ndctl::wait_for_scrub(Context&) {
    Scrub& scrub = kernel_.libnvdimm.scrub();
    while (scrub.busy()) {
        scrub.privileged_read();
        co_await scrub.idle.wait();
    }
}

Task<void> Ndctl::start_scrub(Context& ctx, const NdctlEvent& c, Outcome& out) {
    out.ret = has_ars() ? kernel_.libnvdimm.rescan(true) : -EOPNOTSUPP;
    if (out.ret != 0) {
        out.messages.push_back(out.ret == -EBUSY ? "Device or resource busy"
                                                 : "Operation not supported");
        co_return;
    }
    if (c.wait) co_await wait_for_scrub(ctx);
    out.output = Node::list().push(bus_node());
}

Task<void> Ndctl::regions(Context& ctx, const NdctlEvent& c, Outcome& out) {
    const bool on = c.command == Command::enable_region;
    std::int64_t done = 0;
    for (std::uint32_t i = 0; i < kernel_.env.machine.regions.size(); ++i) {
        if (!c.all && c.region != static_cast<int>(i)) continue;
        int rc = 0;
        if (on) rc = co_await kernel_.libnvdimm.enable_region(ctx, i);
        else rc = co_await kernel_.libnvdimm.disable_region(ctx, i);
        if (rc == 0) {
            ++done;
            continue;
        }
        out.ret = rc;
        out.messages.push_back("error: " + kernel_.env.machine.regions[i].id + " failed to " +
                               (on ? "enable" : "disable"));
    }
    out.messages.push_back((on ? "enabled " : "disabled ") + std::to_string(done) +
                           (done == 1 ? " region" : " regions"));
}

void Ndctl::dimms(const NdctlEvent& c, Outcome& out) {
    const bool on = c.command == Command::enable_dimm;
    std::int64_t done = 0;
    for (std::uint32_t i = 0; i < kernel_.env.machine.nvdimms.size(); ++i) {
        if (!c.all && c.nvdimm != static_cast<int>(i)) continue;
        const int rc = on ? kernel_.libnvdimm.enable_dimm(i) : kernel_.libnvdimm.disable_dimm(i);
        if (rc == 0) {
            ++done;
            continue;
        }
        // ndctl_dimm_enable() only sees that no driver has bound.
        out.ret = on ? -ENXIO : rc;
        out.messages.push_back(kernel_.env.machine.nvdimms[i].id +
                               (on ? " failed to enable" : " is active, disabling failed"));
    }
    out.messages.push_back((on ? "enabled " : "disabled ") + std::to_string(done) +
                           (done == 1 ? " nmem" : " nmems"));
}

void Ndctl::report_call(std::uint32_t event, const DsmEvent& call, int rc, const DsmReply& reply) {
    using Function = DsmEvent::Function;
    Report& r = kernel_.report(event, "dsm", rc);
    r.output = Node::object();
    r.output.add("status", reply.status);
    switch (call.function) {
        case Function::ars_cap:
            r.output.add("max_ars_out", reply.max_ars_out);
            r.output.add("clear_err_unit", reply.clear_err_unit);
            r.output.add("flags", static_cast<std::uint32_t>(reply.flags));
            break;
        case Function::ars_start:
            r.output.add("scrub_time_s", reply.scrub_time_s);
            break;
        case Function::ars_status:
        case Function::inject_status: {
            if (call.function == Function::ars_status) {
                r.output.add("out_length", reply.out_length);
                r.output.add("address", reply.covered.begin);
                r.output.add("length", reply.covered.size());
                r.output.add("restart_address", reply.restart.begin);
                r.output.add("restart_length", reply.restart.size());
                r.output.add("overflow", reply.overflow);
            }
            r.output.add("num_records", static_cast<std::uint64_t>(reply.records.size()));
            Node records = Node::list();
            for (const ArsRecord& a : reply.records)
                records.push(Node::object()
                                 .add("handle", a.handle)
                                 .add("address", a.spa)
                                 .add("length", a.length));
            r.output.add("records", std::move(records));
            break;
        }
        case Function::clear_error:
            r.output.add("cleared", reply.cleared);
            break;
        case Function::translate_spa:
            if (!reply.records.empty())
                r.output.add("handle", reply.records[0].handle)
                    .add("dpa", reply.dpa)
                    .add("length", reply.records[0].length)
                    .add("num_nvdimms", 1);
            break;
        case Function::smart:
        case Function::smart_threshold: {
            Node data = Node::list();
            for (const std::uint8_t byte : reply.data) data.push(static_cast<std::uint32_t>(byte));
            r.output.add("payload", std::move(data));
            break;
        }
        default:
            break;
    }
}

}  // namespace mcemu::kernel
