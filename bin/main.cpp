// The program: which subcommand, and which exit status.
#include <csignal>
#include <exception>
#include <iostream>
#include <iterator>
#include <string_view>

#include "command_table.hpp"
#include "compare/child.hpp"
#include "core/assert.hpp"
#include "options.hpp"
#include "output/atomic_file.hpp"
#include "output/result.hpp"

// <systemc> belongs to model/: bin knows only that the library has a version, and that its shared
// object brings a main() of its own which wants this symbol. Our main() replaces that one, so that
// commands which emulate nothing pay nothing and no banner is printed; a Simulation starts the
// SystemC kernel by itself.
namespace sc_core {
const char* sc_release();
}
extern "C" int sc_main(int, char**) { return mcemu::cli::kOwnFault; }

namespace mcemu::cli {
namespace {

constexpr Command kCommands[] = {
    {"run", "SCENARIO", "emulate one scenario and print the kernel's log", cmd_run},
    {"campaign", "PART", "run a scenario many times over swept and random parameters",
     cmd_campaign, "plan run resume shard merge status report"},
    {"check", "SCENARIO...", "validate scenarios and print every finding", cmd_check},
    {"regress", "PATH...", "run many scenarios in parallel and hold each against its expectations",
     cmd_regress},
    {"diff", "A B", "compare two runs: where they part, and in what they differ", cmd_diff},
    {"whatif", "SCENARIO", "run a scenario as it stands and with a change in its middle", cmd_whatif},
    {"bisect", "SCENARIO", "the first value of a setting at which the verdict flips", cmd_bisect},
    {"shrink", "SCENARIO", "the smallest scenario that still fails the same way", cmd_shrink},
    {"debug", "SCENARIO", "run a scenario step by step, forwards and back", cmd_debug},
    {"coverage", "PATH...", "what scenarios reached, and what none did", cmd_coverage},
    {"decode", "[STATUS]", "explain machine-check registers, a kernel log or mce-inject text",
     cmd_decode},
    {"import", "FORMAT FILE", "make a scenario of what another tool wrote", cmd_import},
    {"export", "FORMAT FILE", "write a scenario or result in the form of another tool", cmd_export},
    {"report", "FILE...", "figures and pictures from traces and results", cmd_report},
    {"addr", "SCENARIO ADDRESS", "show an address in every coordinate", cmd_addr},
    {"profiles", "", "show the emulated kernels and how they differ", cmd_profiles},
    {"latencies", "", "show the timing parameters with default, unit and source", cmd_latencies},
    {"schema", "scenario|result|campaign|nvdimm-state", "print a JSON Schema (draft 7)", cmd_schema},
    {"completion", "bash|zsh|fish", "print the shell's completion of mcemu", cmd_completion},
    {"man", "[COMMAND]", "print a manual page", cmd_man},
};

std::string help() {
    std::string text =
        "usage: mcemu COMMAND [options] ...\n"
        "\n"
        "mcemu replays hardware memory errors against an emulated x86 machine and its Linux\n"
        "kernel: machine checks, memory controllers, NVDIMMs, memory_failure(), PAT.\n"
        "\n"
        "commands:\n";
    for (const Command& c : kCommands) {
        std::string left = "  " + std::string(c.name);
        if (!c.arguments.empty()) left += " " + std::string(c.arguments);
        left.resize(std::max<std::size_t>(left.size() + 2, 26), ' ');
        text += left + std::string(c.what) + "\n";
    }
    text +=
        "\n"
        "mcemu COMMAND --help explains a command; mcemu --version prints the versions of program,\n"
        "schemas and SystemC.\n"
        "\n"
        "exit status: 0 done, every expectation met; 1 an expectation failed; 2 bad usage or bad\n"
        "input; 3 the emulator itself failed; 4 an output could not be written; 130 interrupted.\n";
    return text;
}

std::string versions() {
    return "mcemu " + std::string(output::program_version()) +
           "\nschema mcemu/scenario/1, mcemu/result/1, mcemu/campaign/1, "
           "mcemu/nvdimm-state/1\nSystemC " +
           sc_core::sc_release() + "\n";
}

[[noreturn]] void unknown_command(std::string_view name) {
    std::vector<std::string> names;
    for (const Command& c : kCommands) names.emplace_back(c.name);
    const std::string near = nearest_name(name, names);
    throw UsageError("there is no command '" + std::string(name) +
                     "': " + (near.empty() ? "see mcemu --help" : "'" + near + "' would be one"));
}

int dispatch(const Args& args) {
    if (args.empty()) throw UsageError("no command given: see mcemu --help");
    if (args[0] == "--help" || args[0] == "-h") {
        output::write_file("-", help());
        return kDone;
    }
    if (args[0] == "--version") {
        output::write_file("-", versions());
        return kDone;
    }
    for (const Command& c : kCommands)
        if (args[0] == c.name) return c.run(Args(std::next(args.begin()), args.end()));
    if (args[0].starts_with("-"))
        throw UsageError("there is no option '" + args[0] + "' before a command: see mcemu --help");
    unknown_command(args[0]);
}

int complain(std::string_view what, int status) {
    std::cerr << "mcemu: " << what << std::endl;
    return status;
}

}  // namespace

std::span<const Command> commands() { return kCommands; }

int run_program(const Args& args) {
    try {
        return dispatch(args);
    } catch (const UsageError& error) {
        return complain(error.what(), kUsage);
    } catch (const output::OutputError& error) {
        return complain(error.what(), kCannotWrite);
    } catch (const InvariantError& error) {
        return complain(std::string("the emulator is at fault: ") + error.what(), kOwnFault);
    } catch (const compare::ChildError& error) {
        const bool late = error.how() == compare::ChildEnd::How::time_limit;
        return complain(std::string(late ? "a run: " : "the emulator failed in a run: ") + error.what(),
                        late ? kTimeLimit : kOwnFault);
    } catch (const std::exception& error) {
        return complain(std::string("the emulator failed: ") + error.what(), kOwnFault);
    } catch (...) {
        return complain("the emulator failed for a reason unknown", kOwnFault);
    }
}

}  // namespace mcemu::cli

int main(int argc, char** argv) {
    std::signal(SIGPIPE, SIG_IGN);  // a closed pipe is an output that could not be written
    return mcemu::cli::run_program(mcemu::cli::Args(argv + 1, argv + argc));
}
