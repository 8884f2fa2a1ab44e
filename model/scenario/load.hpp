#pragma once  // A scenario file: text in, a resolved Scenario or findings out.
#include <cstdint>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/event.hpp"
#include "scenario/finding.hpp"

namespace mcemu::scenario {

/// What the command line changes in a scenario, applied in this order.
struct Overrides {
    std::vector<std::pair<std::string, nlohmann::json>> params;  ///< name and value: a matrix cell
    std::optional<std::string> profile;                          ///< --profile
    std::optional<std::uint64_t> seed;                           ///< --seed
    std::optional<std::string> until;                            ///< --until
    std::vector<std::string> set;  ///< --set: "/json/pointer=value", value JSON or else a text
};

struct ReadText {
    std::optional<std::string> text;
    std::string error;  ///< why there is none
};

enum class Purpose : std::uint8_t {
    check,  ///< a matrix is held against its shape only
    run,    ///< a matrix is refused, unless params of a cell are given
};

struct LoadOptions {
    Overrides overrides;
    Purpose purpose = Purpose::run;
    /// How files are read; the default reads the disk, and stdin for "-".
    std::function<ReadText(const std::string& path)> read_file;
};

class Document;

struct LoadedScenario {
    Scenario scenario;
    /// Processes that fork events make, in the order of those events. A process index of an event
    /// or trigger that is not below scenario.processes.size() means children[index - size].
    std::vector<ProcessConfig> children;
    nlohmann::json expect;    ///< the "expect" block; {} when there is none
    nlohmann::json meta;      ///< name, description, tags
    /// Where the value of a pointer stands: "FILE:LINE:COL", of the nearest container that exists.
    std::string where(std::string_view pointer) const;
    /// All of it, after include, overrides and params.
    nlohmann::json document() const;
    std::shared_ptr<const Document> text;
};

struct LoadResult {
    std::shared_ptr<LoadedScenario> loaded;  ///< null when there are findings
    std::vector<Finding> findings;
    std::size_t left_out = 0;  ///< findings beyond the first thousand are counted only
    bool unreadable = false;   ///< the file itself could not be read
};

/// Reads `path` ("-": stdin). Never throws for anything that a file can hold.
LoadResult load_file(const std::string& path, const LoadOptions& options = {});
/// The same for a text; `name` stands for the file in findings.
LoadResult load_text(std::string name, std::string text, const LoadOptions& options = {});

/// The findings of a text as a result (mcemu/result/1), and the result when there are none.
struct ResultText {
    nlohmann::json result;
    std::vector<Finding> findings;
};
ResultText load_result(std::string name, std::string text);
/// Whether a text is JSON whose "schema" is a result's.
bool is_result(std::string_view text);

/// The cells of a scenario's matrix: each is what to give as Overrides::params. Without a matrix
/// one cell without params. The first name varies slowest.
std::vector<std::vector<std::pair<std::string, nlohmann::json>>> matrix_cells(
    const nlohmann::json& document);

/// Reads a file of at most 1 GiB, or stdin for "-".
ReadText read_file(const std::string& path);

}  // namespace mcemu::scenario
