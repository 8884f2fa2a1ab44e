#pragma once  // All commands and what each takes: what completion and manual pages are made from.
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "commands.hpp"

namespace mcemu::cli {

/// A line of `mcemu --help`.
struct Command {
    std::string_view name;
    std::string_view arguments;  ///< "SCENARIO", "[STATUS]", "bash|zsh|fish"; "" none
    std::string_view what;
    int (*run)(const Args&);
    /// With arguments that begin with "PART": its parts, each with options: "plan run status".
    std::string_view actions = {};
};
/// In the order of `mcemu --help`; main.cpp has them.
std::span<const Command> commands();

/// One option as its command describes it.
struct OptionInfo {
    std::string name;         ///< "result"
    std::string short_name;   ///< "q", or ""
    std::string value;        ///< "FILE"; "" for a switch
    std::string fallback;     ///< default, or ""
    std::string what;
    bool several = false;
};
/// A command, or an action of one.
struct CommandInfo {
    std::string name;    ///< "run", "campaign plan"
    std::string usage;   ///< "run [options] SCENARIO"
    std::string summary; ///< as in `mcemu --help`
    std::string what;    ///< as in its --help
    std::vector<OptionInfo> options;    ///< --help is not among them
    std::vector<std::string> words;     ///< that may stand in place of the first argument
    bool files = false;                 ///< arguments are files
    bool described = false;             ///< it came to parse(): else it cannot be completed
};

/// What every command says of itself: each is asked as with --help.
std::vector<CommandInfo> describe_commands();

}  // namespace mcemu::cli
