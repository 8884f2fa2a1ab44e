// Phases by name: what scenarios may wait for, or forbid, does begin somewhere.
#include <catch2/catch.hpp>
#include <set>
#include <string>

#include "compare/child.hpp"
#include "core/latency.hpp"
#include "output/temporal.hpp"
#include "scenario/load.hpp"
#include "sim/run.hpp"

using namespace mcemu;

namespace {

/// Together they begin every phase there is.
constexpr const char* kScenarios[] = {
    "pmem/load-finds-latent-error.json",
    "kernel/read-and-repair-by-file-v6.1.json",
    "series/cover-letter-before.json",
    "kernel/fork-inherits-lost-page-v6.1.json",
    "hardware/patrol-scrub-corrected-v6.1.json",
    "pmem/cxl-poison-list-overflows.json",
    "mca/severity-patrol-scrub-polled-v4.19.json",
    "mca/firmware-first-delays.json",
    "hardware/broadcast-512-cpus.json",
    "hardware/stuck-cpus-named.json",
};

/// The names of the phases that begin in a run of the file, a line each.
std::string phases_of(const std::string& file) {
    scenario::LoadOptions how;
    how.second_opinion = false;
    const scenario::LoadResult read =
        scenario::load_file(std::string(MCEMU_SOURCE_DIR "/scenarios/") + file, how);
    if (!read.loaded) return "cannot be loaded: " + file + "\n";
    sim::RunOptions options;
    options.log_matcher = output::make_log_matcher;
    sim::Simulation simulation(read.loaded->scenario, options);
    simulation.run();
    std::set<std::uint64_t> begun;
    simulation.view().trace.find_first([&](const TraceRecord& r) {
        if (r.kind == TraceKind::phase) begun.insert(r.a);
        return false;  // all of them
    });
    std::string out;
    for (const std::uint64_t which : begun)
        out.append(latency_info(static_cast<Lat>(which)).name).append("\n");
    return out;
}

}  // namespace

TEST_CASE("every phase that a scenario may name begins somewhere, and no other does",
          "[compare][phases]") {
    std::set<std::string> begun;
    for (const char* file : kScenarios) {
        const compare::ChildEnd end = compare::in_child([&] { return phases_of(file); }, 20);
        REQUIRE(end.how == compare::ChildEnd::How::answered);
        std::size_t at = 0;
        for (std::size_t next; (next = end.text.find('\n', at)) != std::string::npos; at = next + 1)
            begun.insert(end.text.substr(at, next - at));
    }
    std::set<std::string> nameable;
    for (std::size_t i = 0; i < kLatCount; ++i)
        if (const LatencyInfo& info = latency_info(static_cast<Lat>(i));
            info.use == LatencyInfo::Use::phase)
            nameable.emplace(info.name);
        else
            CHECK_FALSE(info.in.empty());
    CHECK(begun == nameable);
}
