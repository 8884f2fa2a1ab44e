// ndctl inject-error and clear-errors (ndctl/inject-error.c, ndctl/namespace.c, lib/inject.c).
#include <algorithm>

#include "core/kernel/kernel.hpp"
#include "core/kernel/ndctl/ndctl.hpp"
#include "core/kernel/nvdimm/bus.hpp"
#include "core/kernel/nvdimm/scrub.hpp"

namespace mcemu::kernel {
namespace {

using namespace std::chrono_literals;
constexpr unsigned kRescanWait = 30;  // seconds

}  // namespace

Task<void> Ndctl::inject(Context& ctx, const NdctlEvent& c, Outcome& out) {
    const auto ns = static_cast<std::uint32_t>(c.ns);
    const PmemNamespace& there = kernel_.libnvdimm.bus().namespaces()[ns];
    if (!c.block || !c.count) {
        out.ret = -EINVAL;
        out.messages.emplace_back("--block and --count are required");
        co_return;
    }
    if (!there.made.present) {
        out.ret = -ENXIO;
        co_return;
    }
    const NamespaceConfig& used = used_as(ns);
    if (used.mode == NamespaceMode::sector && there.enabled) {
        out.ret = -EOPNOTSUPP;
        co_return;
    }
    const SpaRange data = used.mode == NamespaceMode::sector ? used.range : used.data();
    const std::uint64_t blocks = data.size() / kSectorSize;
    if (*c.count == 0 || *c.block >= blocks || *c.count > blocks - *c.block) {
        out.ret = -EINVAL;
        out.messages.emplace_back("the blocks lie outside the namespace");
        co_return;
    }
    Scrub& scrub = kernel_.libnvdimm.scrub();
    const std::uint64_t before = scrub.count();
    out.ret = co_await inject_blocks(ctx, c, data);
    if (out.ret != 0) co_return;
    if (c.uninject) {
        out.messages.emplace_back(
            "Warning: Un-injecting previously injected errors here will not cause the kernel to "
            "'forget' its badblock entries. Those have to be cleared through the normal process "
            "of writing the affected blocks");
    } else if (c.notify && has_ars()) {
        co_await await_rescan(ctx, before);
    } else if (!c.notify) {
        out.messages.emplace_back(
            "Warning: Error injections without notify will not be seen by the kernel");
    }
    out.output = co_await namespace_node(ctx, ns, true);
}

/// One call per block; a block that fails ends it, earlier ones stay.
Task<int> Ndctl::inject_blocks(Context& ctx, const NdctlEvent& c, SpaRange data) {
    DsmEvent call;
    call.function = DsmEvent::Function::ars_cap;
    call.address = data.begin;
    call.length = data.size();
    DsmReply cap;
    const int rc = co_await kernel_.libnvdimm.ioctl(ctx, call, cap);
    const bool no_ars = rc != 0 || cap.clear_err_unit == 0;
    call.length = c.saturate || no_ars
                      ? kSectorSize
                      : std::min<std::uint64_t>(kSectorSize, cap.clear_err_unit);
    call.function =
        c.uninject ? DsmEvent::Function::inject_clear : DsmEvent::Function::inject_error;
    call.flags = c.notify && !c.uninject ? 1 : 0;
    for (std::uint64_t i = 0; i < *c.count; ++i) {
        call.address = data.begin + (*c.block + i) * kSectorSize;
        const int error = co_await kernel_.libnvdimm.ioctl(ctx, call);
        if (error != 0) co_return error;
    }
    co_return 0;
}

/// With a notification the kernel scans: until its count has risen, half a minute at most, and it
/// is idle.
Task<void> Ndctl::await_rescan(Context& ctx, std::uint64_t count) {
    Scrub& scrub = kernel_.libnvdimm.scrub();
    for (unsigned s = 0; s < kRescanWait && scrub.count() == count; ++s)
        co_await delay(kernel_.env.agenda, 1s);
    co_await wait_for_scrub(ctx);
}

Task<void> Ndctl::inject_status(Context& ctx, const NdctlEvent& c, Outcome& out) {
    if (c.block || c.count || c.saturate || c.uninject) {
        out.ret = -EINVAL;
        out.messages.emplace_back("--status may not be used with other options");
        co_return;
    }
    const auto ns = static_cast<std::uint32_t>(c.ns);
    const PmemNamespace& there = kernel_.libnvdimm.bus().namespaces()[ns];
    if (!there.made.present) {
        out.ret = -ENXIO;
        co_return;
    }
    const NamespaceConfig& used = used_as(ns);
    const SpaRange data = used.mode == NamespaceMode::sector ? used.range : used.data();
    DsmEvent call;
    call.function = DsmEvent::Function::inject_status;
    DsmReply reply;
    out.ret = co_await kernel_.libnvdimm.ioctl(ctx, call, reply);
    if (out.ret != 0) co_return;
    std::vector<Row> rows;
    for (const ArsRecord& r : reply.records) {
        const std::uint64_t begin = std::max(r.spa, data.begin);
        const std::uint64_t end = std::min(r.spa + r.length, data.end);
        if (begin >= end) continue;
        const std::uint64_t first = (begin - data.begin) / kSectorSize;
        const std::uint64_t last = (end - data.begin + kSectorSize - 1) / kSectorSize;
        if (!rows.empty() && rows.back().first + rows.back().count >= first)
            rows.back().count = std::max(last, rows.back().first + rows.back().count) -
                                rows.back().first;
        else
            rows.push_back({first, last - first});
    }
    if (rows.empty()) co_return;  // it prints nothing
    Node list = Node::list();
    for (const Row& r : rows)
        list.push(Node::object().add("block", r.first).add("count", r.count));
    out.output = Node::object().add("badblocks", std::move(list));
}

Task<void> Ndctl::clear(Context& ctx, const NdctlEvent& c, Outcome& out) {
    const auto ns = static_cast<std::uint32_t>(c.ns);
    const PmemNamespace& there = kernel_.libnvdimm.bus().namespaces()[ns];
    if (!there.made.present) {
        out.ret = -ENXIO;
        co_return;
    }
    if (c.scrub) {
        const int rc = has_ars() ? kernel_.libnvdimm.rescan(true) : -EOPNOTSUPP;
        if (rc != 0 && rc != -EBUSY) {  // one that runs already will do
            out.ret = rc;
            co_return;
        }
    }
    co_await wait_for_scrub(ctx);
    const NamespaceConfig used = used_as(ns);
    if (used.mode == NamespaceMode::sector) {
        out.ret = 1;
        out.messages.push_back(used.id + ": skip badblock clearing for btt namespace");
        co_return;
    }
    if (there.enabled) out.ret = co_await kernel_.libnvdimm.disable(ctx, ns);
    if (out.ret != 0) {
        out.messages.push_back(used.id + " is in use");
        co_return;
    }
    const RegionConfig& region = kernel_.env.machine.regions[used.region];
    const SpaRange data = used.data();
    const std::vector<Badblocks::Row> rows = kernel_.libnvdimm.bus().regions()[used.region].bad.rows();
    std::uint64_t cleared = 0;
    for (const Badblocks::Row& row : rows) {
        DsmEvent call;
        call.address = region.range.begin + row.start * kSectorSize;
        call.length = row.length * kSectorSize;
        if (!data.contains(call.address, call.length)) continue;  // one that straddles the edge stays
        call.function = DsmEvent::Function::ars_cap;
        out.ret = co_await kernel_.libnvdimm.ioctl(ctx, call);
        if (out.ret != 0) break;
        call.function = DsmEvent::Function::clear_error;
        const int rc = co_await kernel_.libnvdimm.ioctl(ctx, call);
        if (rc < 0) {
            out.ret = rc;
            break;
        }
        if (rc != 0) {  // some of it
            out.ret = -ENXIO;
            break;
        }
        cleared += row.length;
    }
    const int rc = co_await kernel_.libnvdimm.enable(ctx, ns);
    if (out.ret == 0) out.ret = rc;
    out.messages.push_back(used.id + ": cleared " + std::to_string(cleared) + " sectors");
    if (out.ret == 0) out.output = co_await namespace_node(ctx, ns, true);
}

}  // namespace mcemu::kernel
