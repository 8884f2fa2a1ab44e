// mcemu report: traces and results to figures.
#include <cstring>
#include <fstream>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>

#include "options.hpp"
#include "output/atomic_file.hpp"
#include "report/formats.hpp"
#include "report/prefixed_buffer.hpp"

namespace mcemu::cli {
namespace {

namespace po = boost::program_options;
using report::InputError;

/// Records in the picture, and bytes of all pictures: a page of a million records stays below 12 MB.
constexpr std::size_t kMostRows = 1'000'000;
constexpr std::size_t kBudget = 10'500'000;

CommandLine report_line() {
    CommandLine line;
    line.usage = "report [options] [LABEL=]FILE...";
    line.what =
        "Figures and pictures from results (run --result), traces (run --trace FILE.ndjson) and the\n"
        "results databases of campaigns. A\n"
        "result and a trace of the same run are put together; several runs are compared. Runs that\n"
        "differ in their seeds alone, or have the same LABEL, are one variant. Pages of this build " +
        std::string(report::has_script() ? "can be\nzoomed and followed."
                                         : "have still\npictures: it was made without npm.");
    // clang-format off
    line.visible.add_options()
        ("output,o", po::value<std::string>()->default_value("-")->value_name("FILE"),
         "where to (\"-\": standard output)")
        ("format", po::value<std::string>()->value_name("FORMAT"),
         "html, md, json or csv; default: by the ending of FILE, else md")
        ("measure", po::value<std::vector<std::string>>()->value_name("FROM..TO[=TIME]")->composing(),
         "a duration from any cause to any effect, with a deadline: event:ID, signal:PROCESS,\n"
         "syscall:EVENT, phase:NAME, flag:NAME, panic, or a kind of trace record (several allowed)")
        ("title", po::value<std::string>()->default_value("")->value_name("TEXT"), "title of the page");
    // clang-format on
    line.hidden.add_options()("file", po::value<std::vector<std::string>>());
    line.positional.add("file", -1);
    return line;
}

enum class Format { html, md, json, csv };

Format format_of(const po::variables_map& values) {
    constexpr std::pair<const char*, Format> kFormats[] = {
        {"html", Format::html}, {"md", Format::md}, {"json", Format::json}, {"csv", Format::csv}};
    if (values.count("format")) {
        const auto& wanted = values["format"].as<std::string>();
        for (const auto& [name, format] : kFormats)
            if (wanted == name) return format;
        throw UsageError("--format takes html, md, json or csv, not '" + wanted + "'");
    }
    const auto& file = values["output"].as<std::string>();
    if (file == "-") return Format::md;
    for (const auto& [name, format] : kFormats)
        if (file.ends_with("." + std::string(name))) return format;
    if (file.ends_with(".htm")) return Format::html;
    throw UsageError("--output '" + file +
                     "': the ending says no format: .html, .md, .json or .csv would, or --format");
}

report::Wanted wanted_of(const std::string& text) {
    const auto dots = text.find("..");
    const auto equals = text.rfind('=');
    const std::string help = "--measure '" + text + "': FROM..TO or FROM..TO=TIME would be right, "
                             "for example event:e1..signal:victim=50us";
    if (dots == std::string::npos || dots == 0) throw UsageError(help);
    report::Wanted w;
    w.from = text.substr(0, dots);
    const bool deadline = equals != std::string::npos && equals > dots;
    w.to = text.substr(dots + 2, deadline ? equals - dots - 2 : std::string::npos);
    if (w.to.empty()) throw UsageError(help);
    if (deadline) w.deadline = parse_time(text.substr(equals + 1)).count();
    for (const std::string& end : {w.from, w.to})
        if (!report::can_measure(end))
            throw UsageError("--measure '" + text + "': '" + end +
                             "' names nothing that can be measured: event:ID, signal:PROCESS, "
                             "syscall:EVENT, phase:NAME, flag:NAME, panic or a kind of trace record "
                             "would");
    return w;
}

/// What the first bytes of a file say that it is.
void add_file(const std::string& argument, const std::vector<report::Wanted>& wanted,
              report::Figures& figures) {
    std::string label, file = argument;
    if (const auto equals = argument.find('='); equals != std::string::npos && equals > 0 &&
                                                !std::ifstream(argument).good()) {
        label = argument.substr(0, equals);
        file = argument.substr(equals + 1);
    }
    const std::string name = file == "-" ? "<stdin>" : file;
    std::ifstream opened;
    std::istream* in = &std::cin;
    if (file != "-") {
        opened.open(file, std::ios::binary);
        if (!opened) throw InputError(file + ": cannot be read: " + std::strerror(errno));
        in = &opened;
    }
    // A trace has its first record in its first line; everything else is read whole.
    if (in->peek() == std::char_traits<char>::eof()) {
        if (file != "-" && in->bad()) throw InputError(file + ": cannot be read");
        throw InputError(name + ": the file is empty: a result or an NDJSON trace would be right");
    }
    // Standard input cannot go back: what was read to look at it is put before the rest.
    char look[16] = {};
    in->read(look, 8);
    const std::string first(look, static_cast<std::size_t>(in->gcount()));
    report::PrefixedBuffer buffer(first, *in);
    std::istream whole(&buffer);
    if (first == "SQLite f") {
        if (file == "-")
            throw InputError("<stdin>: a database cannot be read from standard input: a file would be right");
        figures.add(label, file, report::read_campaign(file));
        return;
    }
    if (first == "{\"t_ps\":") {
        figures.add(label, file, report::read_trace(whole, name, wanted, kMostRows));
        return;
    }
    if (first == "$version")
        throw InputError(name + ": this is a VCD file: an NDJSON trace (run --trace FILE.ndjson) "
                         "would be right");
    report::Json document;
    try {
        document = report::Json::parse(whole);
    } catch (const report::Json::parse_error& error) {
        const std::string what = error.what();
        throw InputError(name + ": " +
                         (what.find("unexpected end of input") != std::string::npos
                              ? "the file is cut off: "
                              : "this is neither a result nor a trace of mcemu: ") +
                         "no JSON from byte " + std::to_string(error.byte) + " on");
    }
    const std::string schema = document.is_object() && document.contains("schema") &&
                                       document["schema"].is_string()
                                   ? document["schema"].get<std::string>()
                                   : "";
    if (schema.starts_with("mcemu/scenario/"))
        throw InputError(name + ": this is a scenario: run it first with mcemu run --result R.json "
                         "--trace T.ndjson, and report those");
    if (document.is_object() && document.contains("traceEvents"))
        throw InputError(name + ": this is a trace for Perfetto: an NDJSON trace (run --trace "
                         "FILE.ndjson) would be right");
    if (!schema.starts_with("mcemu/result/"))
        throw InputError(name + ": this is neither a result nor a trace of mcemu" +
                         (schema.empty() ? "" : ", but \"" + schema + "\""));
    figures.add(label, file, report::read_result(document, name));
}

}  // namespace

int cmd_report(const Args& args) {
    const CommandLine line = report_line();
    const auto values = parse(line, args);
    if (!values) return kDone;
    if (!values->count("file")) throw UsageError("a file is needed: mcemu " + line.usage);
    const Format format = format_of(*values);
    std::vector<report::Wanted> wanted;
    if (values->count("measure"))
        for (const std::string& text : (*values)["measure"].as<std::vector<std::string>>())
            wanted.push_back(wanted_of(text));

    report::Figures figures;
    for (const std::string& file : (*values)["file"].as<std::vector<std::string>>()) {
        try {
            add_file(file, wanted, figures);
        } catch (const InputError& error) {
            std::cerr << "mcemu: " << error.what() << "\n";
            return kUsage;
        }
    }
    figures.finish();
    std::string text;
    switch (format) {
        case Format::html:
            text = report::to_html(figures, (*values)["title"].as<std::string>(), kBudget);
            break;
        case Format::md:
            text = report::to_markdown(figures.document(false));
            break;
        case Format::json:
            text = figures.document(true).dump(1) + "\n";
            break;
        case Format::csv:
            text = report::to_csv(figures.document(false));
            break;
    }
    output::write_file((*values)["output"].as<std::string>(), text);
    return kDone;
}

}  // namespace mcemu::cli
