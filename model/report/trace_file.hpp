#pragma once  // Reads an NDJSON trace, record by record, in bounded memory.
#include <cstdint>
#include <istream>
#include <memory>
#include <string>
#include <vector>

#include "core/trace.hpp"
#include "output/trace_names.hpp"
#include "report/input_error.hpp"

namespace mcemu::report {

/// What the first record says about the file.
struct TraceHead {
    struct Process {
        std::string id, comm;
        std::uint64_t pid = 0;
    };
    std::string scenario, profile, version;
    std::uint64_t seed = 0;
    std::uint32_t last = 0;  ///< id of the last record
    SimTime end{};
    std::vector<Process> processes;
};

class TraceFile {
public:
    /// `in` outlives this; `name` is for messages. Throws InputError when the first line is not
    /// that of a trace.
    TraceFile(std::istream& in, std::string name);
    ~TraceFile();
    TraceFile(const TraceFile&) = delete;
    TraceFile& operator=(const TraceFile&) = delete;

    const TraceHead& head() const;
    /// The next record, with indices into names() where the file has names. False at the end.
    /// Throws InputError for a line that is no record and for a file that is cut off.
    bool next(std::uint32_t& id, TraceRecord& record);
    /// Text of the record that next() returned last, a log line.
    const std::string& text() const;
    /// Grows while records are read. Has no log_text.
    const output::TraceNames& names() const;

private:
    class Reader;
    std::unique_ptr<Reader> reader_;
};

}  // namespace mcemu::report
