#pragma once  // A run that waits between any two entries of the agenda, for `mcemu debug`.
#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "core/pmem/image.hpp"
#include "scenario/load.hpp"

namespace mcemu::compare {

/// One scenario, run step by step in a child; going back runs it again up to there. Not copyable.
class Debugger {
public:
    struct Reply {
        std::string text;            ///< for people, with newlines
        std::uint64_t position = 0;  ///< entries of the agenda that have run
        bool understood = true;      ///< false: no such command, or bad arguments; text says so
        bool ended = false;          ///< the run is over
    };

    /// The scenario, and the NVDIMMs that it boots on, must outlive this. Throws std::system_error when there can be no child.
    explicit Debugger(const scenario::LoadedScenario& loaded, const NvdimmImage* start_from = nullptr);
    ~Debugger();
    Debugger(const Debugger&) = delete;
    Debugger& operator=(const Debugger&) = delete;

    /// Before the first entry.
    const Reply& start() const { return first_; }
    /// Carries out one line: see help(). An empty line does nothing. Throws ChildError when the
    /// emulator fails.
    Reply ask(const std::string& line);

    static std::string help();

private:
    void launch(std::uint64_t position);
    void end_child();
    Reply receive();
    Reply send(const std::string& line);
    Reply go_to(std::uint64_t position);

    const scenario::LoadedScenario& loaded_;
    const NvdimmImage* start_from_;
    pid_t child_ = -1;
    int to_ = -1, from_ = -1;
    std::uint64_t position_ = 0;
    Reply first_;
    std::vector<std::string> breaks_;  // that a new child must know
};

}  // namespace mcemu::compare
