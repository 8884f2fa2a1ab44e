#include "output/reports.hpp"

#include <cmath>
#include <cstdio>

#include "core/kernel/nvdimm/bus.hpp"
#include "output/text.hpp"
#include "output/words.hpp"

namespace mcemu::output {
namespace {

using Json = nlohmann::ordered_json;
using kernel::Node;

/// "62.00 MiB (65.01 MB)", as ndctl -u words sizes (ndctl/util/size.c).
std::string size_words(std::int64_t bytes) {
    const double b = static_cast<double>(bytes);
    char text[64];
    if (bytes >= 1ll << 40)
        std::snprintf(text, sizeof text, "%.2f TiB (%.2f TB)", b / std::exp2(40), b / 1e12);
    else if (bytes >= 1ll << 30)
        std::snprintf(text, sizeof text, "%.2f GiB (%.2f GB)", b / std::exp2(30), b / 1e9);
    else if (bytes >= 1ll << 20)
        std::snprintf(text, sizeof text, "%.2f MiB (%.2f MB)", b / std::exp2(20), b / 1e6);
    else if (bytes >= 1ll << 10)
        std::snprintf(text, sizeof text, "%.2f KiB (%.2f KB)", b / std::exp2(10), b / 1e3);
    else
        return std::to_string(bytes);
    return text;
}

Json to_json(const Node& node, bool human) {
    switch (node.kind) {
        case Node::Kind::null: return nullptr;
        case Node::Kind::boolean: return node.flag;
        case Node::Kind::integer: return node.number;
        case Node::Kind::real: {
            // A whole number stays one.
            const double whole = std::nearbyint(node.value);
            if (whole == node.value) return static_cast<std::int64_t>(whole);
            return node.value;
        }
        case Node::Kind::text: return node.text;
        case Node::Kind::bytes: return human ? Json(size_words(node.number)) : Json(node.number);
        case Node::Kind::list: {
            Json list = Json::array();
            for (const Node& item : node.items) list.push_back(to_json(item, human));
            return list;
        }
        case Node::Kind::object: {
            Json object = Json::object();
            for (std::size_t i = 0; i < node.items.size(); ++i)
                object[node.keys[i]] = to_json(node.items[i], human);
            return object;
        }
    }
    return nullptr;
}

constexpr std::string_view kFunctions[] = {
    "ars_cap",       "ars_start", "ars_status",   "clear_error",   "inject_error",    "inject_clear",
    "inject_status", "smart",     "smart_inject", "translate_spa", "smart_threshold",
    "smart_set_threshold", "latch_shutdown"};

}  // namespace

Json reports_of(const RunView& view, const Causes& causes) {
    Json list = Json::array();
    for (const kernel::Report& r : view.kernel.reports) {
        Json entry = {{"t_ns", to_ns(r.at)},
                      {"event", causes.event_id(r.event)},
                      {"what", r.what},
                      {"ret", r.ret}};
        const std::string_view name = r.ret < 0 ? errno_name(static_cast<int>(-r.ret)) : "";
        entry["errno"] = name.empty() ? Json(nullptr) : Json(name);
        entry["output"] = to_json(r.output, r.human);
        entry["messages"] = r.messages;
        list.push_back(std::move(entry));
    }
    return list;
}

Json firmware_calls_of(const RunView& view, const Causes& causes) {
    Json list = Json::array();
    for (const kernel::FirmwareCall& c : view.kernel.libnvdimm.bus().calls()) {
        if (c.request.function == DsmEvent::Function::translate_spa) continue;
        Json entry = {{"t_ns", to_ns(c.at)}};
        entry["event"] = c.origin == 0 ? Json(nullptr) : Json(causes.event_id(c.origin - 1));
        entry["function"] = kFunctions[static_cast<std::size_t>(c.request.function)];
        entry["address"] = hex(c.request.address);
        entry["length"] = c.request.length;
        entry["status"] = c.status;
        if (c.request.function == DsmEvent::Function::clear_error) entry["cleared"] = c.cleared;
        list.push_back(std::move(entry));
    }
    return list;
}

Json notifications_of(const RunView& view) {
    Json list = Json::array();
    for (const auto& n : view.kernel.libnvdimm.notifications())
        list.push_back(
            {{"t_ns", to_ns(n.at)},
             {"of", n.nvdimm < 0 ? "root"
                                 : view.scenario.machine.nvdimms[static_cast<std::size_t>(n.nvdimm)].id},
             {"value", hex(n.value)}});
    return list;
}

}  // namespace mcemu::output
