#include "campaign_rate.hpp"

#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

#include "campaign/pool.hpp"
#include "campaign/worker.hpp"
#include "core/mca/status.hpp"
#include "output/result.hpp"
#include "scenario/load.hpp"
#include "sim/run.hpp"
#include "support/isolated.hpp"

extern char** environ;

namespace mcemu::bench {
namespace {

using nlohmann::ordered_json;
using Clock = std::chrono::steady_clock;

constexpr int kErrors = 100;
constexpr std::uint64_t kSrars = 10;  // of them

/// A folder with the scenario and its campaign.
class Files {
public:
    explicit Files(std::uint64_t runs) {
        name_ = (std::filesystem::temp_directory_path() / "mcemu-bench-XXXXXX").string();
        if (!::mkdtemp(name_.data())) throw std::runtime_error("no temporary folder");
        std::ofstream(scenario()) << scenario_json().dump(1);
        std::ofstream(campaign()) << ordered_json{{"schema", "mcemu/campaign/1"},
                                                  {"name", "bench"},
                                                  {"scenario", "scenario.json"},
                                                  {"runs", runs},
                                                  {"measures",
                                                   {{{"name", "kill"}, {"from", "event:load9"}, {"to", "signal:app"}}}}}
                                         .dump(1);
    }
    ~Files() {
        std::error_code ignored;
        std::filesystem::remove_all(name_, ignored);
    }
    Files(const Files&) = delete;
    Files& operator=(const Files&) = delete;
    std::string scenario() const { return name_ + "/scenario.json"; }
    std::string campaign() const { return name_ + "/campaign.json"; }

private:
    /// 60 corrected, 30 uncorrected (half of them with action optional), 10 consumed, 100 ms apart:
    /// no CPU sees a storm of corrected errors. Times that vary make each run another.
    static ordered_json scenario_json() {
        using namespace mca;
        constexpr std::uint64_t kValid = MCI_STATUS_VAL | MCI_STATUS_EN | MCI_STATUS_MISCV | MCI_STATUS_ADDRV;
        const auto hex = [](std::uint64_t n) {
            char text[24];
            std::snprintf(text, sizeof text, "0x%llx", static_cast<unsigned long long>(n));
            return std::string(text);
        };
        ordered_json events = ordered_json::array();
        for (int i = 0; i < kErrors; ++i) {
            const std::uint64_t page = 0x10000000 + 4096ull * static_cast<std::uint64_t>(i);
            const std::string at = std::to_string(1 + 100 * i) + "ms", n = std::to_string(i);
            if (i % 10 == 9) {
                events.push_back({{"id", "poison" + n}, {"at", at}, {"do", "poison"}, {"spa", hex(page)}, {"length", "64B"}});
                events.push_back({{"id", "load" + n}, {"after", {{"event", "poison" + n}, {"by", "10us"}}}, {"do", "load"},
                                  {"process", "app"}, {"va", hex(0x7f0000000000 + 4096ull * static_cast<std::uint64_t>(i))}});
                continue;
            }
            const int kind = i % 10;
            ordered_json e = {{"id", "mce" + n}, {"at", at}, {"do", "mce"}, {"cpu", i * 7 % 64}};
            e["bank"] = kind < 8 ? 13 : 3;
            if (kind < 6) e["status"] = hex((kValid & ~MCI_STATUS_EN) | 1ull << MCI_STATUS_CEC_SHIFT | 0x135);
            else if (kind < 8) e["status"] = hex(kValid | MCI_STATUS_UC | 0x135);
            else e["status"] = hex(kValid | MCI_STATUS_UC | MCI_STATUS_S | 0x1000c0), e["mcgstatus"] = "0x5";
            e["addr"] = hex(page);
            e["misc"] = "0x86";
            events.push_back(std::move(e));
        }
        return {{"schema", "mcemu/scenario/1"},
                {"name", "bench"},
                {"machine",
                 {{"cpus", {{"sockets", 2}, {"cores", 32}, {"threads", 1}}},
                  {"memory", {{{"id", "dram0"}, {"base", "0x0"}, {"size", "4GiB"}}}},
                  {"latency", {{"kernel.mf_unmap", {{"dist", "lognormal"}, {"median", "4us"}, {"p99", "30us"}}}}}}},
                {"processes",
                 {{{"id", "app"}, {"pid", 1000}, {"comm", "app"}, {"cpu", 0}, {"sigbus", "handler"},
                   {"maps", {{{"id", "m"}, {"va", "0x7f0000000000"}, {"size", "1MiB"}, {"kind", "anon"}, {"at", "0x10000000"}}}}}}},
                {"events", std::move(events)}};
    }

    std::string name_;
};

struct Cost {
    double cpu_s = 0, wall_s = 0;
    long peak_kib = 0;  // of the process itself
};

/// What `body` costs in a process of its own, its children included.
Cost cost_of(const std::function<void()>& body) {
    const nlohmann::json out = test::isolated(
        [&] {
            const auto begin = Clock::now();
            body();
            const double wall = std::chrono::duration<double>(Clock::now() - begin).count();
            const auto seconds = [](const timeval& t) {
                return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6;
            };
            double cpu = 0;
            rusage usage{};
            for (const int who : {RUSAGE_CHILDREN, RUSAGE_SELF}) {
                ::getrusage(who, &usage);
                cpu += seconds(usage.ru_utime) + seconds(usage.ru_stime);
            }
            return nlohmann::json{cpu, wall, usage.ru_maxrss};
        },
        3600);
    return {out[0].get<double>(), out[1].get<double>(), out[2].get<long>()};
}

void check(const campaign::RunRecord& r) {
    if (!r.failure.empty() || r.exposure.pages < kSrars || r.exposure.accesses != kSrars ||
        r.durations.size() != 1 || !r.durations[0])
        throw std::runtime_error("campaign: run " + std::to_string(r.id.rep) + " is not as it must be");
}

std::shared_ptr<campaign::Plan> plan_of(const std::string& file) {
    auto read = campaign::Plan::load(file);
    if (!read.plan) throw std::runtime_error("campaign: " + to_text(read.findings.front()));
    return read.plan;
}

void make_runs(const std::string& file, unsigned jobs) {
    const auto plan = plan_of(file);
    campaign::Schedule schedule(*plan, nullptr);
    campaign::Pool pool(*plan, {.jobs = jobs});
    std::uint64_t made = 0;
    pool.run(schedule, [&](std::vector<campaign::RunRecord> records) {
        for (const campaign::RunRecord& r : records) check(r);
        made += records.size();
    });
    if (made != plan->campaign().runs) throw std::runtime_error("campaign: runs are missing");
}

void forks(const std::string& scenario, std::uint64_t count) {
    const auto read = scenario::load_file(scenario);
    const sim::Simulation machine(read.loaded->scenario, {});
    for (std::uint64_t i = 0; i < count; ++i) {
        const pid_t child = ::fork();
        if (child == 0) ::_exit(0);
        if (child < 0) throw std::runtime_error("no process");
        ::waitpid(child, nullptr, 0);
    }
}

void processes(const std::string& scenario, std::uint64_t count) {
    std::string self = "/proc/self/exe", option = "--single", file = scenario;
    char* const arguments[] = {self.data(), option.data(), file.data(), nullptr};
    for (std::uint64_t i = 0; i < count; ++i) {
        pid_t child = 0;
        int status = 0;
        if (::posix_spawn(&child, self.c_str(), nullptr, nullptr, arguments, environ) != 0)
            throw std::runtime_error("no process");
        ::waitpid(child, &status, 0);
        if (status != 0) throw std::runtime_error("campaign: a single run failed");
    }
}

double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

}  // namespace

ordered_json campaign_rate(std::uint64_t runs, int rounds) {
    const Files files(runs), fewer(std::max<std::uint64_t>(runs / 4, 1));
    const std::uint64_t some = std::max<std::uint64_t>(runs / 20, 10);
    const auto each = [](const Cost& c, std::uint64_t n) { return c.cpu_s / static_cast<double>(n); };
    std::vector<double> over_fork, over_process, faster, per_s;
    Cost one, part;
    for (int i = 0; i < rounds; ++i) {
        const double fork = each(cost_of([&] { forks(files.scenario(), runs); }), runs);
        const double process = each(cost_of([&] { processes(files.scenario(), some); }), some);
        part = cost_of([&] { make_runs(fewer.campaign(), 1); });
        one = cost_of([&] { make_runs(files.campaign(), 1); });
        const Cost two = cost_of([&] { make_runs(files.campaign(), 2); });
        over_fork.push_back(each(one, runs) / fork);
        over_process.push_back(process / each(one, runs));
        faster.push_back(one.wall_s / two.wall_s);
        per_s.push_back(static_cast<double>(runs) / two.wall_s);
    }
    const auto spread = [](const std::vector<double>& v) {
        return ordered_json{*std::min_element(v.begin(), v.end()), *std::max_element(v.begin(), v.end())};
    };
    return {{"name", "campaign"},
            {"unit", "run"},
            {"results", "as they must be"},
            {"size", runs},
            {"cpu_per_bare_fork", median(over_fork)},
            {"cpu_per_bare_fork_spread", spread(over_fork)},
            {"process_per_run_costs_times", median(over_process)},
            {"process_per_run_spread", spread(over_process)},
            {"two_workers_faster", median(faster)},
            {"two_workers_spread", spread(faster)},
            {"two_workers_units_per_s", median(per_s)},
            {"parent_peak_bytes", one.peak_kib * 1024},
            {"parent_peak_bytes_quarter", part.peak_kib * 1024}};
}

ordered_json campaign_here(std::uint64_t runs) {
    const Files files(runs);
    const auto plan = plan_of(files.campaign());
    const auto job = campaign::make_job(*plan, 0, 0);
    campaign::Worker worker(*plan, *job, 0, runs);
    std::string bytes;
    for (std::uint64_t rep = 0; rep < runs; ++rep) {
        const auto record = worker.run(rep);
        if (!record) throw std::runtime_error("campaign: a bad scenario");
        check(*record);
        campaign::encode(*record, bytes);
    }
    return {{"units", runs}, {"bytes", bytes.size()}};
}

void single_run(const char* scenario) {
    const auto read = scenario::load_file(scenario);
    sim::Simulation machine(read.loaded->scenario, {});
    machine.run();
    if (output::make_result(machine.view()).dump().empty()) throw std::runtime_error("no result");
}

}  // namespace mcemu::bench
