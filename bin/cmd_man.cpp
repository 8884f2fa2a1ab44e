// mcemu man: manual pages, as troff, of the program and of each command.
#include <array>
#include <string>
#include <utility>
#include <vector>

#include "command_table.hpp"
#include "core/meanings.hpp"
#include "options.hpp"
#include "output/atomic_file.hpp"
#include "output/result.hpp"

namespace mcemu::cli {
namespace {

/// Text for troff: no character is taken for a request or an escape.
std::string troff(const std::string& text) {
    std::string out;
    bool begins = true;  // a line
    for (const char c : text) {
        if (begins && (c == '.' || c == '\'')) out += "\\&";
        begins = c == '\n';
        if (c == '\\') out += "\\e";
        else if (c == '-') out += "\\-";
        else out += c;
    }
    return out;
}

/// Paragraphs: lines that are indented stay as they are.
std::string paragraphs(const std::string& text) {
    std::string out;
    bool verbatim = false, apart = false;  // apart: a blank line, and nothing behind it yet
    std::string line;
    for (const char c : text + "\n") {
        if (c != '\n') {
            line += c;
            continue;
        }
        if (line.empty()) {
            apart = !out.empty();
            continue;
        }
        const bool indented = line.starts_with("  ");
        if (verbatim && !indented) out += ".fi\n";
        if (std::exchange(apart, false)) out += ".PP\n";
        if (indented && !verbatim) out += ".nf\n";
        verbatim = indented;
        out += troff(line) + "\n";
        line.clear();
    }
    return out + (verbatim ? ".fi\n" : "");
}

std::string upper(std::string text) {
    for (char& c : text) c = c == ' ' ? '-' : c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    return text;
}
std::string page_name(std::string command) {
    for (char& c : command)
        if (c == ' ') c = '-';
    return "mcemu-" + command;
}

std::string title(const std::string& name) {
    // Without a date: the same bytes whenever it is made.
    return ".TH \"" + upper(name) + "\" \"1\" \"\" \"mcemu " + std::string(output::program_version()) +
           "\" \"mcemu\"\n";
}

std::string option_text(const OptionInfo& o) {
    std::string text = ".TP\n";
    if (!o.short_name.empty()) text += "\\fB\\-" + o.short_name + "\\fR, ";
    text += "\\fB\\-\\-" + troff(o.name) + "\\fR";
    if (!o.value.empty()) text += " \\fI" + troff(o.value) + "\\fR";
    text += "\n" + troff(o.what);
    if (!o.fallback.empty()) text += " (default: " + troff(o.fallback) + ")";
    return text + "\n";
}

constexpr const char* kExitStatus =
    ".SH EXIT STATUS\n"
    ".TP\n.B 0\ndone, and every expectation met\n"
    ".TP\n.B 1\nan expectation failed, or a difference was found\n"
    ".TP\n.B 2\nbad usage or bad input: nothing was emulated, no output file was touched\n"
    ".TP\n.B 3\nthe emulator itself failed\n"
    ".TP\n.B 4\nan output could not be written\n"
    ".TP\n.B 124\ntime limit\n"
    ".TP\n.B 130\ninterrupted\n";

/// The closed lists of words that verdicts use, with their meanings.
template <std::size_t N>
std::string words_text(const std::string& heading, const std::string& lead,
                       const std::array<Meaning, N>& all) {
    std::string text = ".SH " + heading + "\n" + lead + "\n";
    for (const Meaning& m : all)
        text += ".TP\n.B " + troff(std::string(m.word)) + "\n" + troff(std::string(m.meaning)) + "\n";
    return text;
}
std::string verdict_words() {
    return words_text("CLASSES OF RUNS", "The first of these that holds.", kClassMeanings) +
           words_text("FATES OF EVENTS", "The last of these that came to the event.", kFateMeanings);
}

std::string command_page(const CommandInfo& c) {
    std::string text = title(page_name(c.name)) + ".SH NAME\n" + troff(page_name(c.name)) + " \\- " +
                       troff(c.summary) + "\n.SH SYNOPSIS\n\\fBmcemu\\fR " + troff(c.usage) +
                       "\n.SH DESCRIPTION\n" + paragraphs(c.what) + ".SH OPTIONS\n";
    for (const OptionInfo& o : c.options) text += option_text(o);
    text += ".TP\n\\fB\\-h\\fR, \\fB\\-\\-help\\fR\nshow the help text\n";
    if (c.name == "run" || c.name == "regress") text += verdict_words();
    return text + kExitStatus +
           ".SH SEE ALSO\n.BR mcemu (1)\n";
}

std::string program_page(const std::vector<CommandInfo>& all) {
    std::string text =
        title("mcemu") +
        ".SH NAME\nmcemu \\- replay hardware memory errors against an emulated machine and kernel\n"
        ".SH SYNOPSIS\n\\fBmcemu\\fR \\fICOMMAND\\fR [options] ...\n"
        ".SH DESCRIPTION\nA discrete\\-event emulator of x86 machine checks, memory controllers, NVDIMMs\n"
        "with poison, and of what Linux makes of them: memory_failure(), DAX, the pmem driver, PAT.\n"
        ".SH COMMANDS\n";
    for (const CommandInfo& c : all)
        text += ".TP\n\\fB" + troff(c.name) + "\\fR\n" + troff(c.summary) + "; see \\fB" +
                troff(page_name(c.name)) + "\\fR(1)\n";
    return text +
           ".SH OPTIONS\n.TP\n\\fB\\-h\\fR, \\fB\\-\\-help\\fR\nlist the commands\n"
           ".TP\n\\fB\\-\\-version\\fR\nversions of the program, its schemas and SystemC\n" +
           kExitStatus;
}

}  // namespace

int cmd_man(const Args& args) {
    namespace po = boost::program_options;
    CommandLine line{.usage = "man [COMMAND [ACTION]]",
                     .what = "Prints the manual page of a command, or of the program, as troff:\n"
                             "mcemu man run | man -l -"};
    line.hidden.add_options()("command", po::value<std::vector<std::string>>());
    line.positional.add("command", 2);
    const auto values = parse(line, args);
    if (!values) return kDone;
    const std::vector<CommandInfo> all = describe_commands();
    if (!values->count("command")) {
        output::write_file("-", program_page(all));
        return kDone;
    }
    std::string wanted;
    for (const std::string& word : (*values)["command"].as<std::vector<std::string>>())
        wanted += (wanted.empty() ? "" : " ") + word;
    std::vector<std::string> names;
    for (const CommandInfo& c : all) {
        if (c.name == wanted) {
            output::write_file("-", command_page(c));
            return kDone;
        }
        names.push_back(c.name);
    }
    const std::string near = nearest_name(wanted, names);
    throw UsageError("there is no command '" + wanted +
                     "': " + (near.empty() ? "see mcemu --help" : "'" + near + "' would be one"));
}

}  // namespace mcemu::cli
