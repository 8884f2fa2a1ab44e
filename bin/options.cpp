#include "options.hpp"

#include <unistd.h>

#include <charconv>
#include <cstdlib>
#include <sstream>
#include <vector>

#include "output/atomic_file.hpp"
#include "scenario/nearest.hpp"
#include "scenario/quantity.hpp"

namespace mcemu::cli {
namespace po = boost::program_options;
namespace {

std::string help_text(const CommandLine& line) {
    std::ostringstream text;
    text << "usage: mcemu " << line.usage << "\n\n"
         << line.what << "\n\n"
         << line.visible << "  -h [ --help ]         show this text\n";
    return text.str();
}

std::function<void(const CommandLine&)> describer;

[[noreturn]] void unknown_option(const CommandLine& line, const po::unknown_option& error) {
    std::vector<std::string> names;
    for (const auto& option : line.visible.options()) names.push_back("--" + option->long_name());
    names.emplace_back("--help");
    const std::string near = nearest_name(error.get_option_name(), names);
    throw UsageError("there is no option '" + error.get_option_name() + "'" +
                     (near.empty() ? "" : ": '" + near + "' would be one"));
}

}  // namespace

DescribeOnly::DescribeOnly(std::function<void(const CommandLine&)> take) {
    describer = std::move(take);
}
DescribeOnly::~DescribeOnly() { describer = nullptr; }

std::optional<po::variables_map> parse(const CommandLine& line, const Args& args) {
    if (describer) {
        describer(line);
        return std::nullopt;
    }
    po::options_description all;
    all.add(line.visible).add(line.hidden);
    all.add_options()("help,h", "");
    po::variables_map values;
    try {
        const int style =
            po::command_line_style::unix_style & ~po::command_line_style::allow_guessing;
        po::store(po::command_line_parser(args)
                      .options(all)
                      .positional(line.positional)
                      .style(style)
                      .run(),
                  values);
        if (values.count("help")) {
            output::write_file("-", help_text(line));
            return std::nullopt;
        }
        po::notify(values);
    } catch (const po::unknown_option& error) {
        unknown_option(line, error);
    } catch (const po::too_many_positional_options_error&) {
        throw UsageError("too many arguments: mcemu " + line.usage);
    } catch (const po::error& error) {
        throw UsageError(error.what());
    }
    return values;
}

std::string nearest_name(std::string_view wrong, std::span<const std::string> names) {
    const std::vector<std::string_view> views(names.begin(), names.end());
    return std::string(scenario::nearest(wrong, views));
}

SimTime parse_time(std::string_view text) {
    std::uint64_t ns = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), ns);
    const bool plain = error == std::errc{} && end == text.data() + text.size();
    const auto parsed = plain ? scenario::time_from_ns(ns) : scenario::parse_time(text);
    if (!parsed.value)
        throw UsageError("'" + std::string(text) + "': " + parsed.problem.wrong + ": " +
                         parsed.problem.right);
    return *parsed.value;
}

std::uint64_t parse_number(std::string_view text, std::string_view what) {
    const bool hex = text.starts_with("0x");
    const std::string_view digits = hex ? text.substr(2) : text;
    std::uint64_t value = 0;
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), value, hex ? 16 : 10);
    if (digits.empty() || error != std::errc{} || end != digits.data() + digits.size())
        throw UsageError(std::string(what) + " '" + std::string(text) +
                         "' is no whole number of 64 bits");
    return value;
}

bool colour_wanted(const std::string& choice) {
    if (choice == "always") return true;
    if (choice == "never") return false;
    if (choice != "auto")
        throw UsageError("--color takes auto, always or never, not '" + choice + "'");
    const char* no_color = std::getenv("NO_COLOR");  // https://no-color.org: set and not empty
    if (no_color && *no_color) return false;
    const char* term = std::getenv("TERM");
    return ::isatty(STDERR_FILENO) && !(term && std::string_view(term) == "dumb");
}

}  // namespace mcemu::cli
