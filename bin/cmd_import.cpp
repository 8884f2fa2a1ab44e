// mcemu import: what other tools write, to a scenario.
#include <iostream>
#include <nlohmann/json.hpp>

#include "exchange/dmesg_import.hpp"
#include "exchange/mce_inject_import.hpp"
#include "formats_table.hpp"
#include "import_fit.hpp"
#include "output/atomic_file.hpp"
#include "scenario/load.hpp"
#include "scenario/ndctl_import.hpp"

namespace mcemu::cli {
namespace {

namespace po = boost::program_options;

/// A format that scenarios are made from.
struct ImportFormat {
    const char* name;
    const char* what;
    scenario::Imported (*import)(std::string name, std::string text);
};
constexpr ImportFormat kFormats[] = {
    {"dmesg", "a kernel log: dmesg, journalctl -k, syslog, /dev/kmsg, netconsole",
     exchange::import_dmesg},
    {"mce-inject", "the text that mce-inject reads", exchange::import_mce_inject},
    {"ndctl", "JSON of `ndctl list` with any of -BDRNHXCiM", scenario::import_ndctl},
    {"rasdaemon", "the database that rasdaemon keeps, ras-mc_event.db", exchange::import_rasdaemon},
    {"qemu", "`mce` commands of QEMU's monitor", exchange::import_qemu},
};

/// A place in a text that is no JSON has no pointer.
std::string told(const scenario::Finding& f) {
    if (!f.pointer.empty() || f.source.starts_with("<imported")) return scenario::to_text(f);
    std::string out = f.source;
    if (f.line > 0) out += ":" + std::to_string(f.line);
    if (f.line > 0 && f.column > 0) out += ":" + std::to_string(f.column);
    return out + ": " + f.wrong + ": " + f.right;
}

/// A line of JSON comment, whatever the text holds.
std::string comment(std::string_view text) {
    std::string out = "// ";
    for (const char c : text)
        out +=
            static_cast<unsigned char>(c) >= 0x20 && static_cast<unsigned char>(c) < 0x7f ? c : '?';
    return out + "\n";
}

/// What stands before the scenario: where it is from, and what is lost.
std::string head(const ImportFormat& format, const std::vector<scenario::Finding>& lost,
                 const std::vector<scenario::SeenLine>& missed) {
    constexpr std::size_t kMost = 200;
    std::string out = comment("Made by mcemu import " + std::string(format.name) + ".");
    if (!lost.empty())
        out += comment("What the source says and this does not, or what was guessed:");
    for (std::size_t i = 0; i < lost.size() && i < kMost; ++i) {
        const scenario::Finding& f = lost[i];
        out +=
            comment("  " + (f.line > 0 ? "line " + std::to_string(f.line) + ": " : std::string()) +
                    (f.pointer.empty() ? "" : f.pointer + ": ") + f.wrong + ": " + f.right);
    }
    if (lost.size() > kMost)
        out += comment("  and " + std::to_string(lost.size() - kMost) + " more");
    if (!missed.empty())
        out += comment("Lines of the source that the emulated kernel does not print:");
    for (std::size_t i = 0; i < missed.size() && i < kMost; ++i)
        out += comment("  line " + std::to_string(missed[i].line) + ": " +
                       missed[i].text.substr(0, 300));
    if (missed.size() > kMost)
        out += comment("  and " + std::to_string(missed.size() - kMost) + " more");
    return out;
}

}  // namespace

int cmd_import(const Args& args) {
    CommandLine line;
    line.usage = "import [options] FORMAT FILE";
    line.what = "Makes a scenario of what another tool wrote. FILE may be -: standard input.\n" +
                format_list(kFormats) +
                "What the scenario does not say, or had to guess, goes to standard error and, as a "
                "comment,\ninto the scenario. What the source holds of a kernel's log is expected "
                "of the emulated one,\nas far as that prints it.";
    line.visible.add_options()("output,o",
                               po::value<std::string>()->default_value("-")->value_name("SCENARIO"),
                               "where the scenario goes")("quiet,q", "say nothing of what is lost");
    line.hidden.add_options()("format", po::value<std::string>())("file", po::value<std::string>());
    line.positional.add("format", 1).add("file", 1);
    const auto values = parse(line, args);
    if (!values) return kDone;
    if (!values->count("file"))
        throw UsageError("a format and a file are needed: mcemu " + line.usage);
    const ImportFormat& format = find_format(kFormats, (*values)["format"].as<std::string>());

    const std::string& path = (*values)["file"].as<std::string>();
    const std::string name = path == "-" ? "<stdin>" : path;
    scenario::ReadText text = scenario::read_file(path);
    if (!text.text) {
        std::cerr << scenario::to_text({name, 0, 0, "", "cannot be read", text.error}) << "\n";
        return kUsage;
    }
    scenario::Imported imported = format.import(name, std::move(*text.text));
    for (const scenario::Finding& f : imported.findings) std::cerr << told(f) << "\n";
    if (!imported.scenario) return kUsage;
    const std::vector<scenario::SeenLine> missed =
        fit_expectation(*imported.scenario, imported.seen);
    if (!values->count("quiet")) {
        for (const scenario::Finding& f : imported.lost) std::cerr << told(f) << "\n";
        if (!missed.empty())
            std::cerr << name << ": " << missed.size() << " of " << imported.seen.size()
                      << " lines of the log are not what the emulated kernel prints: they stand in "
                         "the scenario as comments\n";
    }
    output::write_file((*values)["output"].as<std::string>(),
                       head(format, imported.lost, missed) + imported.scenario->dump(2) + "\n");
    return kDone;
}

}  // namespace mcemu::cli
