// A run step by step.
#include <editline/readline.h>
#include <fcntl.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <iostream>

#include "boot_image.hpp"
#include "compare/debugger.hpp"
#include "options.hpp"
#include "output/atomic_file.hpp"
#include "scenario_file.hpp"

namespace mcemu::cli {
namespace {

CommandLine debug_line() {
    CommandLine line;
    line.usage = "debug [options] SCENARIO";
    line.what =
        "Runs a scenario step by step, forwards and back, and shows the state of the machine. On a\n"
        "terminal with line editing; else commands come from standard input, a line each.\n"
        "\n" +
        compare::Debugger::help();
    add_scenario_options(line);
    line.visible.add_options()(
        "seed", boost::program_options::value<std::string>()->value_name("N"),
        "seed of all random numbers");
    line.hidden.add_options()("scenario", boost::program_options::value<std::string>());
    line.positional.add("scenario", 1);
    return line;
}

/// The next command; nullopt at the end of the input.
std::optional<std::string> next_command(bool terminal) {
    if (!terminal) {
        std::string line;
        if (!std::getline(std::cin, line)) return std::nullopt;
        return line;
    }
    char* line = ::readline("(mcemu) ");
    if (!line) {
        output::write_file("-", "\n");
        return std::nullopt;
    }
    std::string text = line;
    std::free(line);
    if (!text.empty()) ::add_history(text.c_str());
    return text;
}

}  // namespace

int cmd_debug(const Args& args) {
    const CommandLine line = debug_line();
    const auto values = parse(line, args);
    if (!values) return kDone;
    if (!values->count("scenario")) throw UsageError("a scenario is needed: mcemu " + line.usage);
    if ((*values)["scenario"].as<std::string>() == "-")
        throw UsageError("standard input holds the commands: the scenario is a file");
    const auto loaded = load_scenario(*values);
    if (!loaded) return kUsage;

    // Without a standard input a pipe to the run would take its place.
    if (::fcntl(STDIN_FILENO, F_GETFD) == -1 && ::open("/dev/null", O_RDONLY) != STDIN_FILENO)
        throw UsageError("there is no standard input");
    const bool terminal = ::isatty(STDIN_FILENO) && ::isatty(STDOUT_FILENO);
    const BootImage boot = boot_image(*loaded, (*values)["scenario"].as<std::string>());
    if (!boot.good) return kUsage;
    compare::Debugger debugger(*loaded, boot.get());
    output::write_file("-", debugger.start().text);
    // Ctrl-C stops the run that is looked at, which hears it too, not this.
    if (terminal) std::signal(SIGINT, SIG_IGN);
    bool understood = true;
    std::string last;
    while (auto command = next_command(terminal)) {
        if (command->empty() && terminal) command = last;  // as gdb does
        last = *command;
        const std::size_t begin = command->find_first_not_of(" \t\r");
        if (begin == std::string::npos || (*command)[begin] == '#') continue;
        const std::size_t end = command->find_last_not_of(" \t\r");
        const std::string text = command->substr(begin, end - begin + 1);
        if (text == "quit" || text == "q" || text == "exit") break;
        const compare::Debugger::Reply reply = debugger.ask(text);
        if (!reply.understood) {
            understood = false;
            std::cerr << "mcemu: " << reply.text << std::flush;
        } else {
            output::write_file("-", reply.text);
        }
    }
    return understood || terminal ? kDone : kUsage;
}

}  // namespace mcemu::cli
