// ndctl inject-smart and monitor, and what list shows of health (ndctl/inject-smart.c,
// ndctl/monitor.c, util/json-smart.c; nvdimm.md 9, 14.5).
#include <algorithm>

#include "core/kernel/kernel.hpp"
#include "core/kernel/ndctl/ndctl.hpp"
#include "core/kernel/nvdimm/bus.hpp"

namespace mcemu::kernel {
namespace {

constexpr std::uint32_t kSpares = 1, kMedia = 2, kController = 4;  // alarm bits
// Fields of Inject SMART, and where the calls say whether to override.
constexpr std::uint32_t kFieldMedia = 1, kFieldSpares = 2, kFieldFatal = 4, kFieldUnsafe = 8;
constexpr unsigned kEnableShift = 8;

constexpr const char* kEvents[] = {"dimm-spares-remaining", "dimm-media-temperature",
                                   "dimm-controller-temperature", "dimm-health-state",
                                   "dimm-unclean-shutdown"};
constexpr std::uint32_t kHealthState = 1u << 3, kUncleanShutdown = 1u << 4, kAllEvents = 0x1f;

/// 1/16 degree Celsius; bit 15 of the raw value stands for the sign.
Node celsius(std::uint16_t raw) {
    return Node::of((raw & 0x8000 ? -1 : 1) * static_cast<double>(raw & 0x7fff) / 16);
}
std::uint16_t raw_of(std::int32_t sixteenths) {
    return static_cast<std::uint16_t>(sixteenths < 0 ? 0x8000 | -sixteenths : sixteenths);
}
std::uint16_t u16(const std::vector<std::uint8_t>& bytes, std::size_t at) {
    return static_cast<std::uint16_t>(bytes[at] | bytes[at + 1] << 8);
}

}  // namespace

Task<Ndctl::Health> Ndctl::health(Context& ctx, std::uint32_t nvdimm) {
    Health h;
    DsmEvent call;
    call.nvdimm = static_cast<int>(nvdimm);
    call.function = DsmEvent::Function::smart;
    DsmReply reply;
    h.error = co_await kernel_.libnvdimm.ioctl(ctx, call, reply);
    if (h.error != 0) co_return h;
    h.smart = reply.data;
    h.smart.resize(128);
    call.function = DsmEvent::Function::smart_threshold;
    h.error = co_await kernel_.libnvdimm.ioctl(ctx, call, reply);
    if (h.error != 0 || reply.data.size() < 7) co_return h;
    h.thresholds = {u16(reply.data, 0), reply.data[2], u16(reply.data, 3), u16(reply.data, 5)};
    co_return h;
}

Node Ndctl::health_node(const Health& h) {
    const auto& s = h.smart;
    const std::uint8_t state = s[8], alarms = s[11];
    const std::uint32_t count = u16(s, 16) | static_cast<std::uint32_t>(u16(s, 18)) << 16;
    const SmartThresholds& t = h.thresholds;
    Node n = Node::object();
    n.add("health_state", state & 4   ? "fatal"
                          : state & 2 ? "critical"
                          : state & 1 ? "non-critical"
                                      : "ok");
    n.add("temperature_celsius", celsius(u16(s, 12)));
    n.add("controller_temperature_celsius", celsius(u16(s, 14)));
    n.add("spares_percentage", static_cast<std::uint32_t>(s[9]));
    n.add("alarm_temperature", (alarms & kMedia) != 0);
    n.add("alarm_controller_temperature", (alarms & kController) != 0);
    n.add("alarm_spares", (alarms & kSpares) != 0);
    n.add("alarm_enabled_media_temperature", (t.control & kMedia) != 0);
    if (t.control & kMedia) n.add("temperature_threshold", celsius(t.media_temperature));
    n.add("alarm_enabled_ctrl_temperature", (t.control & kController) != 0);
    if (t.control & kController)
        n.add("controller_temperature_threshold", celsius(t.controller_temperature));
    n.add("alarm_enabled_spares", (t.control & kSpares) != 0);
    if (t.control & kSpares) n.add("spares_threshold", static_cast<std::uint32_t>(t.spares));
    n.add("life_used_percentage", static_cast<std::uint32_t>(s[10]));
    n.add("shutdown_state", s[31] ? "dirty" : "clean");
    n.add("shutdown_count", count);
    return n;
}

// ---------------------------------------------------------------- inject-smart

Task<int> Ndctl::inject_field(Context& ctx, std::uint32_t nvdimm, std::uint32_t field, bool on,
                              std::uint64_t temperature, std::uint64_t spares) {
    DsmEvent call;
    call.function = DsmEvent::Function::smart_inject;
    call.nvdimm = static_cast<int>(nvdimm);
    call.flags = field | (on ? field << kEnableShift : 0);
    call.address = temperature;
    call.length = spares;
    const int rc = co_await kernel_.libnvdimm.ioctl(ctx, call);
    co_return rc;
}

Task<int> Ndctl::set_thresholds(Context& ctx, std::uint32_t nvdimm,
                                const NdctlEvent::Smart& wanted) {
    const Health before = co_await health(ctx, nvdimm);
    if (before.error != 0) co_return before.error;
    DsmEvent call;
    call.function = DsmEvent::Function::smart_set_threshold;
    call.nvdimm = static_cast<int>(nvdimm);
    SmartThresholds& t = call.thresholds;
    t = before.thresholds;
    const auto arm = [&](const std::optional<bool>& alarm, std::uint32_t bit) {
        if (alarm) t.control = static_cast<std::uint16_t>(*alarm ? t.control | bit : t.control & ~bit);
    };
    arm(wanted.media_temperature_alarm, kMedia);
    arm(wanted.ctrl_temperature_alarm, kController);
    arm(wanted.spares_alarm, kSpares);
    if (wanted.media_temperature_threshold)
        t.media_temperature = raw_of(*wanted.media_temperature_threshold);
    if (wanted.ctrl_temperature_threshold)
        t.controller_temperature = raw_of(*wanted.ctrl_temperature_threshold);
    if (wanted.spares_threshold) t.spares = static_cast<std::uint8_t>(*wanted.spares_threshold);
    const int rc = co_await kernel_.libnvdimm.ioctl(ctx, call);
    co_return rc;
}

Task<void> Ndctl::inject_smart(Context& ctx, const NdctlEvent& c, Outcome& out) {
    const NdctlEvent::Smart& s = c.smart;
    const auto nvdimm = static_cast<std::uint32_t>(c.nvdimm);
    const bool thresholds = s.media_temperature_threshold || s.ctrl_temperature_threshold ||
                            s.spares_threshold || s.media_temperature_alarm ||
                            s.ctrl_temperature_alarm || s.spares_alarm;
    const bool values = s.media_temperature || s.spares || s.fatal || s.unsafe_shutdown;
    const bool uninject = s.media_temperature_uninject || s.spares_uninject || s.fatal_uninject ||
                          s.unsafe_shutdown_uninject || s.uninject_all;
    const auto refuse = [&](const char* why) {
        out.ret = -EINVAL;
        out.messages.emplace_back(why);
    };
    if (!thresholds && !values && !uninject) co_return refuse("no operations specified");
    if ((s.media_temperature && s.media_temperature_uninject) ||
        (s.spares && s.spares_uninject) || (s.fatal && s.fatal_uninject) ||
        (s.unsafe_shutdown && s.unsafe_shutdown_uninject))
        co_return refuse("a value and its uninject together");
    if ((s.spares && *s.spares > 100) || (s.spares_threshold && *s.spares_threshold > 100))
        co_return refuse("spares beyond 100 percent");

    std::int64_t rc = 0;
    if (thresholds) rc = co_await set_thresholds(ctx, nvdimm, s);
    struct Field {
        std::uint32_t field;
        bool on, off;
        std::uint64_t temperature = 0, spares = 0;
    };
    const Field fields[] = {
        {kFieldMedia, s.media_temperature.has_value(), s.media_temperature_uninject,
         raw_of(s.media_temperature.value_or(0)), 0},
        {kFieldSpares, s.spares.has_value(), s.spares_uninject, 0, s.spares.value_or(0)},
        {kFieldFatal, s.fatal, s.fatal_uninject},
        {kFieldUnsafe, s.unsafe_shutdown, s.unsafe_shutdown_uninject},
    };
    for (const Field& f : fields) {
        if (rc != 0 && !s.uninject_all) break;
        if (f.on || f.off || s.uninject_all) {
            const int error =
                co_await inject_field(ctx, nvdimm, f.field, f.on, f.temperature, f.spares);
            if (error != 0) rc = error;  // --uninject-all goes on
        }
    }
    out.ret = rc;
    if (rc == 0) {
        Node dimm = co_await dimm_node(ctx, nvdimm, true);
        out.output = Node::list().push(std::move(dimm));
    }
}

// ---------------------------------------------------------------- monitor

/// It looks at every module once when it begins, to see a change of health later.
Task<void> Ndctl::watch(Context& ctx, std::uint32_t event, const NdctlEvent& c, Outcome& out) {
    const MachineConfig& machine = kernel_.env.machine;
    Monitor m{event, std::vector<bool>(machine.nvdimms.size()), {},
              c.monitor_events ? c.monitor_events : kAllEvents};
    int region = c.region;
    if (c.ns >= 0) region = static_cast<int>(kernel_.namespaces[static_cast<std::size_t>(c.ns)].region);
    m.health.resize(machine.nvdimms.size());
    for (std::uint32_t i = 0; i < machine.nvdimms.size(); ++i) {
        bool wanted = c.nvdimm < 0 || c.nvdimm == static_cast<int>(i);
        if (region >= 0) {
            const auto& ways = machine.regions[static_cast<std::size_t>(region)].nvdimms;
            wanted = wanted && std::find(ways.begin(), ways.end(), i) != ways.end();
        }
        if (!wanted) continue;
        const Health h = co_await health(ctx, i);
        if (h.error != 0) continue;  // a module without health cannot be watched
        m.dimms[i] = true;
        m.health[i] = h.smart[8];
    }
    if (std::find(m.dimms.begin(), m.dimms.end(), true) == m.dimms.end()) {
        out.ret = -ENXIO;
        out.messages.emplace_back("no dimms to monitor");
        co_return;
    }
    monitors_.push_back(std::move(m));
}

void Ndctl::health_event(std::uint32_t nvdimm) {
    for (std::size_t i = 0; i < monitors_.size(); ++i)
        if (monitors_[i].dimms[nvdimm])
            kernel_.env.flows.spawn([&] { return tell(i, nvdimm); });
}

Task<void> Ndctl::tell(std::size_t monitor, std::uint32_t nvdimm) {
    Context ctx;
    ctx.comm = kernel_.env.names.intern("ndctl");
    ctx.pid = 1001;
    const Health h = co_await health(ctx, nvdimm);
    if (h.error != 0) co_return;
    Monitor& m = monitors_[monitor];
    std::uint32_t seen = h.smart[11] & 7u;  // the alarm bits stand in the order of the events
    if (h.smart[8] != m.health[nvdimm]) seen |= kHealthState;
    m.health[nvdimm] = h.smart[8];
    if (h.smart[31]) seen |= kUncleanShutdown;
    if (!(seen & m.events)) co_return;
    Node events = Node::object();
    for (std::uint32_t bit = 0; bit < std::size(kEvents); ++bit)
        if (m.events & 1u << bit) events.add(kEvents[bit], (seen & 1u << bit) != 0);
    const std::uint64_t ns = kernel_.env.agenda.now().count() / 1000;
    std::string fraction = std::to_string(ns % 1'000'000'000);
    fraction.insert(0, 9 - fraction.size(), '0');
    Node dimm = co_await dimm_node(ctx, nvdimm, true);
    Report& r = kernel_.report(monitors_[monitor].event, "ndctl monitor", 0);
    r.output = Node::object();
    r.output.add("timestamp",
                 std::to_string(kernel_.env.machine.wall_time + ns / 1'000'000'000) + "." + fraction);
    r.output.add("pid", ctx.pid);
    r.output.add("event", std::move(events));
    r.output.add("dimm", std::move(dimm));
}

}  // namespace mcemu::kernel
