#include "command_table.hpp"

#include <algorithm>
#include <sstream>

#include "options.hpp"

namespace mcemu::cli {
namespace {

namespace po = boost::program_options;

OptionInfo option_info(const po::option_description& d) {
    OptionInfo info;
    info.name = d.long_name();
    const std::string shortest =
        d.canonical_display_name(po::command_line_style::allow_dash_for_short);
    if (shortest.size() == 2 && shortest[0] == '-') info.short_name = shortest.substr(1);
    info.what = d.description();
    if (d.semantic()->max_tokens() == 0) return info;
    // "FILE", "WHEN (=auto)"
    const std::string form = d.format_parameter();
    const std::size_t default_at = form.find(" (=");
    info.value = form.substr(0, default_at);
    if (default_at != std::string::npos)
        info.fallback = form.substr(default_at + 3, form.size() - default_at - 4);
    info.several = d.semantic()->is_composing();
    return info;
}

/// "a|b|c" as its words; of FORMAT, the list that the help text ends with.
std::vector<std::string> words_of(std::string_view argument, const std::string& what) {
    std::vector<std::string> words;
    if (argument.find('|') != std::string_view::npos) {
        std::istringstream parts{std::string(argument)};
        for (std::string word; std::getline(parts, word, '|');) words.push_back(word);
    } else if (argument == "FORMAT") {
        std::istringstream lines(what.substr(std::min(what.find("FORMAT:\n"), what.size())));
        std::string line;
        std::getline(lines, line);
        while (std::getline(lines, line) && line.starts_with("  "))
            words.push_back(line.substr(2, line.find(' ', 2) - 2));
    }
    return words;
}

CommandInfo describe(const Command& command, std::string_view action) {
    CommandInfo info;
    info.name = std::string(command.name);
    Args args;
    if (!action.empty()) {
        info.name += " " + std::string(action);
        args.emplace_back(action);
    }
    args.emplace_back("--help");
    info.summary = std::string(command.what);
    const auto take = [&info](const CommandLine& line) {
        info.usage = line.usage;
        info.what = line.what;
        for (const auto& option : line.visible.options()) info.options.push_back(option_info(*option));
        info.described = true;
    };
    const bool has_parts = command.arguments.starts_with("PART");
    if (has_parts && action.empty()) {  // its --help is a list of them
        info.usage = info.name + " " + std::string(command.arguments) + " [options] ...";
        info.what = info.summary;
        info.described = true;
        std::istringstream parts{std::string(command.actions)};
        for (std::string word; parts >> word;) info.words.push_back(word);
        return info;
    }
    try {
        const DescribeOnly only(take);
        command.run(args);
    } catch (const UsageError&) {  // it wants more than --help: not described
    }
    if (!action.empty()) return info;
    std::istringstream arguments{std::string(command.arguments)};
    bool first = true;
    for (std::string argument; arguments >> argument; first = false) {
        std::erase_if(argument, [](char c) { return c == '[' || c == ']' || c == '.'; });
        if (first && argument == "COMMAND")
            for (const Command& other : commands()) info.words.emplace_back(other.name);
        else if (first)
            info.words = words_of(argument, info.what);
        const bool place = argument == "STATUS" || argument == "ADDRESS" || argument == "COMMAND";
        if (!place && (!first || info.words.empty())) info.files = true;
    }
    return info;
}

}  // namespace

std::vector<CommandInfo> describe_commands() {
    std::vector<CommandInfo> all;
    for (const Command& command : commands()) {
        all.push_back(describe(command, {}));
        std::istringstream actions{std::string(command.actions)};
        for (std::string action; actions >> action;) all.push_back(describe(command, action));
    }
    return all;
}

}  // namespace mcemu::cli
