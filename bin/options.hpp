#pragma once  // What every subcommand does alike with its options.
#include <boost/program_options.hpp>
#include <functional>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

#include "commands.hpp"
#include "core/units.hpp"

namespace mcemu::cli {

/// The user's fault: the message goes to stderr, the exit status is 2.
class UsageError : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// What a command takes: `usage` is the line after "usage: mcemu ".
struct CommandLine {
    std::string usage;
    std::string what;  ///< one or two sentences for --help
    boost::program_options::options_description visible{"options"};
    boost::program_options::options_description hidden{};
    boost::program_options::positional_options_description positional{};
};

/// Parses `args` without guessing abbreviated options. With --help prints it and returns nullopt:
/// the command is done. Throws UsageError, naming the nearest option for an unknown one.
std::optional<boost::program_options::variables_map> parse(const CommandLine& line,
                                                           const Args& args);

/// While one lives, parse() hands its CommandLine to `take` and says that the command is done:
/// nothing is parsed or printed.
class DescribeOnly {
public:
    explicit DescribeOnly(std::function<void(const CommandLine&)> take);
    ~DescribeOnly();
    DescribeOnly(const DescribeOnly&) = delete;
    DescribeOnly& operator=(const DescribeOnly&) = delete;
};

/// The name in `names` nearest to `wrong` by edit distance, empty when none is near.
std::string nearest_name(std::string_view wrong, std::span<const std::string> names);

/// A duration as scenarios write it: "10us", "1.5ms", or whole nanoseconds. Throws UsageError.
SimTime parse_time(std::string_view text);
/// A whole number, decimal or 0x hex. Throws UsageError naming `what`.
std::uint64_t parse_number(std::string_view text, std::string_view what);

/// Whether stderr gets colour: --color auto|always|never, NO_COLOR and the terminal decide.
bool colour_wanted(const std::string& choice);

}  // namespace mcemu::cli
