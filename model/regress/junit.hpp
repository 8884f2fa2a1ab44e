#pragma once  // Outcomes as JUnit XML: a suite per file, a case per scenario.
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>

#include "output/atomic_file.hpp"
#include "regress/runner.hpp"

namespace mcemu::regress {

/// The dialect that Jenkins, GitLab and the others read (the schema of the Jenkins xunit plugin):
/// <failure> for what is not as expected, <error> for what could not be run or judged. `time` is
/// simulated, so that the same scenarios give the same bytes. Cases go to temporary files while
/// they come: memory does not grow with them.
class JUnit : public Listener {
public:
    /// Throws OutputError when `path` cannot be made.
    JUnit(const std::string& path, const RunnerOptions& runner);

    void outcome(const Job& job, const Outcome& outcome) override;
    /// Writes the file. `note` says why it ended early, "" when it did not.
    void end(const std::string& note);

private:
    struct Counts {
        std::uint64_t tests = 0, failures = 0, errors = 0, ns = 0;
    };
    /// Text that leaves memory when it is long; gone with the object.
    class Spool {
    public:
        void add(const std::string& text);
        void move_to(output::AtomicFile& file);
        void move_to(Spool& other);

    private:
        template <class Sink>
        void drain(Sink&& sink);
        void spill();
        struct Close {
            void operator()(std::FILE* f) const { std::fclose(f); }
        };
        std::string text_;
        std::unique_ptr<std::FILE, Close> file_;
    };
    void close_suite();

    output::AtomicFile out_;
    const RunnerOptions& runner_;
    std::string suite_;  ///< file whose cases come in; "" none
    Counts counts_, all_;
    Spool cases_, suites_;
};

/// Text as XML 1.0 can hold it: what no document may contain becomes "\x1b" in letters, and bytes
/// that are not UTF-8 likewise.
std::string xml_text(std::string_view text);

}  // namespace mcemu::regress
