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
#include "scenario/matrix.hpp"

namespace mcemu::scenario {

/// What the command line changes in a scenario, applied in this order.
struct Overrides {
    Params params;                    ///< a matrix cell: all names of the matrix
    std::vector<std::string> matrix;  ///< --matrix: "name=value", which together pick a cell
    std::optional<std::string> profile;                          ///< --profile
    std::optional<std::uint64_t> seed;                           ///< --seed
    std::optional<std::string> until;                            ///< --until
    std::vector<std::string> unset;  ///< --unset: "/json/pointer" of a key or item that goes
    std::vector<std::string> set;  ///< --set: "/json/pointer=value", value JSON or else a text
};

struct ReadText {
    std::optional<std::string> text;
    std::string error;  ///< why there is none
};

enum class Purpose : std::uint8_t {
    check,  ///< a matrix is held against its shape only
    run,    ///< a matrix is refused, unless a cell of it is picked
};

struct LoadOptions {
    Overrides overrides;
    Purpose purpose = Purpose::run;
    /// Holds the document against the JSON Schema as well, by valijson. The reader finds the same
    /// (a test holds them against each other); compiling the schema takes most of a load.
    bool second_opinion = true;
    /// Events and expectations are not looked at: for those who ask about the machine alone.
    bool machine_only = false;
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
    std::string boots_on;     ///< path of the scenario that leaves the NVDIMMs; "": starts afresh
    /// Where the value of a pointer stands: "FILE:LINE:COL", of the nearest container that exists.
    std::string where(std::string_view pointer) const;
    /// The same place as a number that rises with the file's text, files in the order of reading.
    std::uint64_t rank(std::string_view pointer) const;
    /// "node.json:8": where a file, or an option, writes a value at that very pointer. "": nowhere.
    std::string setting_place(std::string_view pointer) const;
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

/// A file as read: parsed and merged with what it includes, not yet changed or checked. A copy of
/// the process that forks can load it many times without reading it again.
class Draft {
public:
    enum class Kind : std::uint8_t {
        scenario,  ///< or what was meant as one: loading it says what is wrong
        part,      ///< has no event and no expectation: for others to include
        other,     ///< JSON of another kind: a campaign, a result, somebody else's
    };

    struct State;  // load.cpp's own

    Draft(std::string path, const LoadOptions& options);
    ~Draft();
    Draft(Draft&&) noexcept;
    Draft& operator=(Draft&&) noexcept;

    Kind kind() const { return kind_; }
    bool unreadable() const { return unreadable_; }
    bool legible() const { return legible_; }  ///< it is JSON: name, tags and matrix are known
    const std::string& path() const { return path_; }
    const std::string& name() const { return name_; }  ///< "" when it has none
    const std::vector<std::string>& tags() const { return tags_; }
    const Matrix& matrix() const { return matrix_; }
    /// Its text, then those of the files it includes.
    std::vector<std::string_view> texts() const;
    const Document& document() const;
    bool clean() const;  ///< nothing is wrong with the text so far: it can be copied

    /// Loads a copy and looks whether the matrix is as it must be: then nobody who loads a cell
    /// need look again. Once, before the process forks.
    void check_matrix();
    /// A draft to be used up, over the same texts; without the matrix when that was checked.
    /// Throws std::logic_error unless clean().
    Draft copy() const;

private:
    friend LoadResult load_draft(Draft draft, const LoadOptions& options);
    Draft() = default;
    void look();

    std::string path_, name_;
    std::vector<std::string> tags_;
    Matrix matrix_;
    Kind kind_ = Kind::scenario;
    bool unreadable_ = false, legible_ = false, matrix_checked_ = false;
    std::unique_ptr<State> state_;
};

/// The rest of load_file(). The options are those the draft was read with, or other overrides.
LoadResult load_draft(Draft draft, const LoadOptions& options);

/// Reads a file of at most 1 GiB, or stdin for "-".
ReadText read_file(const std::string& path);

}  // namespace mcemu::scenario
