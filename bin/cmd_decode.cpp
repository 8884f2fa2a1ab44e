// mcemu decode: machine-check registers, from arguments, a kernel log or mce-inject text.
#include <algorithm>
#include <iostream>
#include <nlohmann/json.hpp>

#include "formats/kernel_log.hpp"
#include "formats/mce_inject.hpp"
#include "options.hpp"
#include "output/atomic_file.hpp"
#include "output/mca_decode.hpp"
#include "output/text.hpp"
#include "scenario/load.hpp"

namespace mcemu::cli {
namespace {

namespace po = boost::program_options;
using Json = nlohmann::ordered_json;

/// A record to explain, and what is known of it beside the registers.
struct Item {
    output::McaRegisters registers;
    std::string heading;  ///< empty for a record from arguments
    Json origin = Json::object();
};

/// As kernels print STATUS: 16 hexadecimal digits without 0x.
std::uint64_t parse_status(const std::string& text) {
    const bool printed =
        text.size() == 16 && text.find_first_not_of("0123456789abcdefABCDEF") == std::string::npos;
    return parse_number(printed ? "0x" + text : text, "STATUS");
}

Item from_arguments(const po::variables_map& values) {
    Item item;
    output::McaRegisters& r = item.registers;
    const auto number = [&values](const char* name, auto& to) {
        if (values.count(name))
            to = parse_number(values[name].as<std::string>(), std::string("--") + name);
    };
    r.status = parse_status(values["status"].as<std::string>());
    number("mcgstatus", r.mcgstatus);
    number("addr", r.addr);
    number("misc", r.misc);
    number("mcgcap", r.mcgcap);
    std::uint64_t cpuid = r.cpuid, bank = 0, cs = 0;
    number("cpuid", cpuid);
    if (cpuid > 0xffffffff) throw UsageError("--cpuid has 32 bits: CPUID.1.EAX, such as 0x50657");
    r.cpuid = static_cast<std::uint32_t>(cpuid);
    number("bank", bank);
    if (bank > 31) throw UsageError("--bank goes from 0 to 31");
    if (values.count("bank")) r.bank = static_cast<unsigned>(bank);
    number("cs", cs);
    if (values.count("cs")) r.cs = cs;
    return item;
}

std::string where(std::uint32_t cpu, std::int64_t bank, unsigned line) {
    // Linux numbers what is no bank of a processor from 128 on, and -1 (mce-inject-format.md 2.1).
    const char* what = bank < 0      ? ", a report of firmware"
                       : bank == 128 ? ", a thermal event"
                       : bank > 31   ? ", none of a processor's"
                                     : "";
    return "CPU " + std::to_string(cpu) + " bank " + std::to_string(bank) + what + " (line " +
           std::to_string(line) + ")";
}

/// Without those of mcelog's whose STATUS was not there.
std::vector<formats::LoggedMce> with_status(std::vector<formats::LoggedMce> records) {
    std::vector<std::size_t> number(records.size());
    std::vector<formats::LoggedMce> out;
    for (std::size_t i = 0; i < records.size(); ++i) {
        number[i] = out.size();
        if (!records[i].status_known) continue;
        if (records[i].repeats) records[i].repeats = number[*records[i].repeats];
        out.push_back(std::move(records[i]));
    }
    return out;
}

std::vector<Item> from_log(const std::vector<formats::LoggedMce>& records) {
    std::vector<Item> items;
    for (const formats::LoggedMce& m : records) {
        Item item;
        output::McaRegisters& r = item.registers;
        r.status = m.status;
        r.mcgstatus = m.mcgstatus;
        r.addr = m.addr;
        r.misc = m.misc;
        if (m.processor_known) r.cpuid = m.cpuid;
        if (m.mcgcap != 0) r.mcgcap = m.mcgcap;
        if (m.bank >= 0 && m.bank <= 31) r.bank = static_cast<unsigned>(m.bank);
        r.vendor = m.vendor;
        if (m.ip != 0) r.cs = m.cs;
        r.cpu = m.cpu;
        r.socket = m.socket;
        item.heading = where(m.cpu, m.bank, m.line);
        if (m.repeats) item.heading += ", repeats record " + std::to_string(*m.repeats + 1);
        item.origin = {{"line", m.line},
                       {"seconds", m.seconds ? Json(*m.seconds) : Json(nullptr)},
                       {"cpu", m.cpu},
                       {"exception", m.exception},
                       {"cs", output::hex(m.cs)},
                       {"ip", output::hex(m.ip)},
                       {"inexact", m.inexact},
                       {"symbol", m.symbol.empty() ? Json(nullptr) : Json(m.symbol)},
                       {"tsc", output::hex(m.tsc)},
                       {"time", m.time},
                       {"vendor", m.vendor},
                       {"cpuid", output::hex(m.cpuid)},
                       {"socket", m.socket},
                       {"apicid", m.apicid},
                       {"microcode", output::hex(m.microcode)},
                       {"repeats", m.repeats ? Json(*m.repeats) : Json(nullptr)}};
        items.push_back(std::move(item));
    }
    return items;
}

Item from_inject(const formats::MceInjectRecord& m) {
    using Record = formats::MceInjectRecord;
    static constexpr const char* kContexts[] = {"random", "process", "irq"};
    static constexpr const char* kBroadcasts[] = {"none", "nmi", "irq"};
    Item item;
    output::McaRegisters& r = item.registers;
    r.status = m.status;
    r.mcgstatus = m.mcgstatus;
    r.addr = m.addr.value_or(0);
    r.misc = m.misc.value_or(0);
    if (m.cpuid != 0) r.cpuid = m.cpuid;
    if (m.mcgcap != 0) r.mcgcap = m.mcgcap;
    if (m.bank <= 31) r.bank = m.bank;
    r.vendor = m.cpuvendor;
    r.cs = m.cs;
    r.cpu = m.cpu;
    r.socket = m.socketid;
    item.heading = where(m.cpu, m.bank, m.line);
    item.origin = {{"line", m.line},
                   {"cpu", m.cpu},
                   {"cs", output::hex(m.cs)},
                   {"ip", output::hex(m.ip)},
                   {"tsc", output::hex(m.tsc)},
                   {"time", m.time},
                   {"raise_as", m.raise_as == Record::RaiseAs::poll ? "poll" : "exception"},
                   {"hold", m.hold},
                   {"broadcast", kBroadcasts[static_cast<int>(m.broadcast)]},
                   {"context", kContexts[static_cast<int>(m.context)]}};
    return item;
}

void tell(const std::string& file, const formats::Remark& remark) {
    std::cerr << file << ':' << remark.line << ':' << remark.column << ": " << remark.wrong << ": "
              << remark.right << '\n';
}

/// Nullopt after a finding: nothing can be decoded.
std::optional<std::vector<Item>> from_text(const std::string& text, const std::string& file,
                                           const std::string& format) {
    if (format != "mce-inject") {
        std::vector<formats::LoggedMce> records = formats::parse_kernel_log(text);
        records = with_status(std::move(records));
        // What mcelog takes looks like mce-inject's text, whose numbers are decimal: that comes
        // first.
        const bool mcelog = std::all_of(records.begin(), records.end(),
                                        [](const formats::LoggedMce& m) { return m.mcelog; });
        if (format == "auto" && mcelog && !formats::parse_mce_inject(text).error) records.clear();
        auto items = from_log(records);
        if (!items.empty()) return items;
        if (format == "log") {
            tell(file, {1, 1, "this log has no machine check",
                        "lines such as \"mce: [Hardware Error]: CPU 0: Machine Check: 0 Bank 7: "
                        "9c00...\""});
            return std::nullopt;
        }
    }
    const formats::MceInjectText parsed = formats::parse_mce_inject(text);
    if (!parsed.error && parsed.records.empty()) {
        tell(file, {1, 1, "there is no machine check in it", "a kernel log, or mce-inject text"});
        return std::nullopt;
    }
    for (const formats::Remark& warning : parsed.warnings) tell(file, warning);
    if (parsed.error) {
        formats::Remark error = *parsed.error;
        if (format == "auto") error.right += " (it is no kernel log with machine checks either)";
        tell(file, error);
        return std::nullopt;
    }
    std::vector<Item> items;
    for (const formats::MceInjectRecord& r : parsed.records) items.push_back(from_inject(r));
    return items;
}

std::string as_json(const std::vector<Item>& items) {
    Json list = Json::array();
    for (const Item& item : items) {
        Json entry = item.origin;
        entry.update(output::decode_json(item.registers));
        list.push_back(std::move(entry));
    }
    const Json document = {{"schema", "mcemu/decode/1"}, {"records", list}};
    return document.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string as_text(const std::vector<Item>& items) {
    std::string out;
    for (const Item& item : items) {
        if (!out.empty()) out += "\n";
        if (!item.heading.empty()) out += item.heading + "\n";
        out += output::decode_text(item.registers);
    }
    return out;
}

}  // namespace

int cmd_decode(const Args& args) {
    CommandLine line;
    line.usage = "decode [options] [STATUS]";
    line.what =
        "Explains machine-check registers field by field and in words, with the grade that Linux\n"
        "gives them. Without STATUS, or with -, it reads a kernel log or mce-inject text from "
        "stdin\n"
        "and explains every record. STATUS: 0xbd80000000100134, or 16 hexadecimal digits as "
        "kernels\n"
        "print it. The unit behind a bank is known for Skylake-SP and Cascade Lake.";
    const auto text = [](const char* name) { return po::value<std::string>()->value_name(name); };
    // clang-format off
    line.visible.add_options()
        ("mcgstatus", text("X"), "IA32_MCG_STATUS; with MCIP the record is graded as #MC (default: 0)")
        ("addr", text("X"), "IA32_MCi_ADDR")
        ("misc", text("X"), "IA32_MCi_MISC")
        ("bank", text("N"), "which bank: names the unit and its own code")
        ("cs", text("X"), "saved code segment: 0x33 is user mode (default: unknown)")
        ("mcgcap", text("X"), "IA32_MCG_CAP (default: 0xf000c14)")
        ("cpuid", text("X"), "CPUID.1.EAX (default: 0x50657)")
        ("from", po::value<std::string>()->default_value("auto")->value_name("FORMAT"),
         "what stdin holds: log, mce-inject or auto")
        ("format", po::value<std::string>()->default_value("text")->value_name("FORMAT"),
         "text or json")
        ("json", "the same as --format json");
    // clang-format on
    line.hidden.add_options()("status", po::value<std::string>());
    line.positional.add("status", 1);
    const auto values = parse(line, args);
    if (!values) return kDone;
    const std::string format =
        values->count("json") ? "json" : (*values)["format"].as<std::string>();
    if (format != "text" && format != "json")
        throw UsageError("--format takes text or json, not '" + format + "'");
    const std::string from = (*values)["from"].as<std::string>();
    if (from != "auto" && from != "log" && from != "mce-inject")
        throw UsageError("--from takes auto, log or mce-inject, not '" + from + "'");

    std::vector<Item> items;
    if (values->count("status") && (*values)["status"].as<std::string>() != "-") {
        if (!(*values)["from"].defaulted())
            throw UsageError("--from is about stdin, and STATUS is given");
        items.push_back(from_arguments(*values));
    } else {
        for (const char* name : {"mcgstatus", "addr", "misc", "bank", "cs", "mcgcap", "cpuid"})
            if (values->count(name))
                throw UsageError("--" + std::string(name) +
                                 " goes with STATUS: records on stdin have their own");
        const scenario::ReadText read = scenario::read_file("-");
        if (!read.text) throw UsageError("stdin: " + read.error);
        auto found = from_text(*read.text, "<stdin>", from);
        if (!found) return kUsage;
        items = std::move(*found);
    }
    output::write_file("-", format == "json" ? as_json(items) : as_text(items));
    return kDone;
}

}  // namespace mcemu::cli
