#pragma once  // One function per subcommand: its arguments in, exit status out.
#include <string>
#include <vector>

namespace mcemu::cli {

using Args = std::vector<std::string>;

/// Exit statuses of the program (docs: `mcemu --help`).
enum ExitStatus : int {
    kDone = 0,         ///< done, and every expectation met
    kDiffers = 1,      ///< an expectation failed or a difference was found
    kUsage = 2,        ///< bad usage or bad input; nothing was emulated
    kOwnFault = 3,     ///< the emulator itself failed
    kCannotWrite = 4,  ///< an output could not be written
    kTimeLimit = 124,
    kInterrupted = 130,
};

int cmd_report(const Args& args);
int cmd_run(const Args& args);
int cmd_campaign(const Args& args);
int cmd_check(const Args& args);
int cmd_regress(const Args& args);
int cmd_schema(const Args& args);
int cmd_completion(const Args& args);
int cmd_man(const Args& args);
int cmd_profiles(const Args& args);
int cmd_latencies(const Args& args);
int cmd_addr(const Args& args);
int cmd_decode(const Args& args);
int cmd_import(const Args& args);
int cmd_export(const Args& args);
int cmd_bisect(const Args& args);
int cmd_coverage(const Args& args);
int cmd_debug(const Args& args);
int cmd_diff(const Args& args);
int cmd_shrink(const Args& args);
int cmd_whatif(const Args& args);

}  // namespace mcemu::cli
