// mcemu_bench: rates of the emulator beside the rates of SystemC itself, in one run, as JSON.
//
//   mcemu_bench [--quick] [--only NAME] [--size N] [--rounds N]
//   mcemu_bench --check              small sizes; only says whether the results are right
//   mcemu_bench --one NAME --size N  one workload in this process, for an instruction counter
//   mcemu_bench --names              the workloads, one a line
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <systemc>
#include <vector>

#include "campaign_rate.hpp"
#include "core/kernel/nvdimm/badrange.hpp"
#include "raw_kernel.hpp"
#include "regress_rate.hpp"
#include "sim/run.hpp"
#include "support/isolated.hpp"
#include "workloads.hpp"

namespace {

using nlohmann::ordered_json;
using namespace mcemu::bench;

struct Options {
    bool quick = false, check = false, names = false;
    std::string only, one, single;
    std::uint64_t size = 0;
    int rounds = 5;
};

struct Load {
    const char* name;
    const char* unit;
    std::vector<std::uint64_t> sizes;  ///< three steps, so that the growth is seen
    Workload (*make)(std::uint64_t size);
    const char* fan_out = nullptr;  ///< raw case of the same width, for a second ratio
    bool large = false;             ///< takes gigabytes: only when asked for by name
};

const std::vector<Load>& loads() {
    static const std::vector<Load> all = {
        {"storm", "error", {10'000, 100'000, 1'000'000}, [](std::uint64_t n) { return storm(n); }},
        {"storm-ce", "error", {10'000, 100'000}, [](std::uint64_t n) { return storm(n, "ce"); }},
        {"storm-ucna", "error", {10'000, 100'000}, [](std::uint64_t n) { return storm(n, "ucna"); }},
        {"storm-srao", "error", {10'000, 100'000}, [](std::uint64_t n) { return storm(n, "srao"); }},
        {"storm-srar", "error", {10'000, 100'000}, [](std::uint64_t n) { return storm(n, "srar"); }},
        {"wide-64", "CPU in a rendezvous", {1'000, 10'000}, [](std::uint64_t n) { return wide(64, n); }, "e64"},
        {"wide-256", "CPU in a rendezvous", {1'000, 10'000}, [](std::uint64_t n) { return wide(256, n); }, "e256"},
        {"wide-512", "CPU in a rendezvous", {1'000, 10'000}, [](std::uint64_t n) { return wide(512, n); }, "e512"},
        {"wide-1024", "CPU in a rendezvous", {1'000, 10'000}, [](std::uint64_t n) { return wide(1024, n); }, "e1024"},
        {"wide-4096", "CPU in a rendezvous", {1'000, 10'000}, [](std::uint64_t n) { return wide(4096, n); }, "e4096"},
        {"deep-1e2", "operation", {50, 100}, [](std::uint64_t n) { return deep(100, n); }},
        {"deep-1e4", "operation", {1'000, 10'000}, [](std::uint64_t n) { return deep(10'000, n); }},
        {"deep-1e5", "operation", {10'000, 100'000}, [](std::uint64_t n) { return deep(100'000, n); }},
        {"deep-1e6", "operation", {10'000, 200'000}, [](std::uint64_t n) { return deep(1'000'000, n); }},
        {"deep-1e7", "operation", {10'000, 200'000}, [](std::uint64_t n) { return deep(10'000'000, n); }, nullptr, true},
        {"deep-ranges", "range", {10'000, 100'000, 1'000'000}, deep_ranges},
        {"deep-ranges-1e7", "range", {1'000'000, 10'000'000}, deep_ranges, nullptr, true},
        {"shared", "process found", {1'000, 10'000, 100'000}, [](std::uint64_t n) { return shared(static_cast<std::uint32_t>(n)); }},
        {"crowd", "error", {1'000, 10'000, 100'000}, crowd},
    };
    return all;
}

long peak_kib() {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;
}

/// Generates, runs and checks one load. Throws when the result is wrong.
nlohmann::json run_once(const Load& load, std::uint64_t size) {
    const long before = peak_kib();
    Workload w = load.make(size);
    mcemu::sim::RunOptions options;
    options.trace_capacity = 1 << 16;  // the ring that a storm keeps
    options.log_capacity = 1 << 16;
    const auto begin = std::chrono::steady_clock::now();
    mcemu::sim::Simulation simulation(std::move(w.scenario), options);
    const auto elaborated = std::chrono::steady_clock::now();
    const long at_rest = peak_kib();
    simulation.run();
    const auto end = std::chrono::steady_clock::now();
    const long peak = peak_kib();  // the results that are looked at now are not the run's
    const mcemu::RunView view = simulation.view();
    if (const std::string wrong = check(w, view); !wrong.empty())
        throw std::runtime_error(std::string(load.name) + " of " + std::to_string(size) + ": " + wrong);
    using Seconds = std::chrono::duration<double>;
    nlohmann::json out = {{"units", w.units},
                          {"elaborate_s", Seconds(elaborated - begin).count()},
                          {"run_s", Seconds(end - elaborated).count()},
                          {"elaborated_bytes", (at_rest - before) * 1024},
                          {"peak_bytes", (peak - before) * 1024}};
    const auto& list = view.kernel.libnvdimm.bad_ranges();
    if (w.bad_ranges && *w.bad_ranges != 0)
        out["kernel_bytes_per_range"] =
            static_cast<double>(list.bytes()) / static_cast<double>(list.size());
    return out;
}

double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

/// The raw rates, each the median of `rounds` children.
ordered_json raw(const Options& o) {
    ordered_json rates;
    const std::uint64_t events = o.quick ? 200'000 : 1'000'000;
    for (const std::string& name : raw_cases()) {
        std::vector<double> rounds;
        for (int i = 0; i < o.rounds; ++i)
            rounds.push_back(mcemu::test::isolated([&] { return raw_rate(name, events); }, 600).get<double>());
        rates[name] = median(rounds);
    }
    return rates;
}

ordered_json measure(const Load& load, const Options& o, const ordered_json& raw_rates) {
    const double raw_a = raw_rates["a"].get<double>();
    ordered_json sizes = ordered_json::array();
    std::vector<std::uint64_t> wanted = load.sizes;
    if (o.quick) wanted.resize(1);
    if (o.size != 0) wanted = {o.size};
    double last_peak = 0, last_units = 0;
    for (const std::uint64_t size : wanted) {
        std::vector<double> rates;
        nlohmann::json one;
        for (int i = 0; i < o.rounds; ++i) {
            one = mcemu::test::isolated([&] { return run_once(load, size); }, 3600);
            rates.push_back(one["units"].get<double>() / one["run_s"].get<double>());
        }
        const double rate = median(rates), units = one["units"].get<double>();
        const double peak = one["peak_bytes"].get<double>();
        ordered_json row = {{"size", size},
                            {"units", one["units"]},
                            {"units_per_s", rate},
                            {"ratio_to_raw", rate / raw_a},
                            {"raw_activations_per_unit", raw_a / rate},
                            {"spread", {*std::min_element(rates.begin(), rates.end()),
                                        *std::max_element(rates.begin(), rates.end())}},
                            {"elaborate_s", one["elaborate_s"]},
                            {"elaborated_bytes", one["elaborated_bytes"]},
                            {"peak_bytes", one["peak_bytes"]}};
        if (one.contains("kernel_bytes_per_range"))
            row["kernel_bytes_per_range"] = one["kernel_bytes_per_range"];
        if (load.fan_out) row["raw_wake_ups_per_unit"] = raw_rates[load.fan_out].get<double>() / rate;
        if (last_units > 0 && units > last_units)
            row["peak_bytes_per_unit"] = (peak - last_peak) / (units - last_units);
        last_peak = peak;
        last_units = units;
        sizes.push_back(row);
        std::cerr << load.name << " " << size << ": " << static_cast<std::uint64_t>(rate) << " "
                  << load.unit << "s/s, " << raw_a / rate << " raw activations each\n";
    }
    return {{"name", load.name}, {"unit", load.unit}, {"results", "as they must be"}, {"sizes", sizes}};
}

const Load& find(const std::string& name) {
    for (const Load& load : loads())
        if (load.name == name) return load;
    throw std::invalid_argument("no workload " + name);
}

int bench(const Options& o) {
    if (!o.single.empty()) {
        single_run(o.single.c_str());
        return 0;
    }
    if (o.one == "campaign") {
        std::cout << campaign_here(o.size).dump() << "\n";
        return 0;
    }
    if (!o.one.empty()) {
        std::cout << run_once(find(o.one), o.size).dump() << "\n";
        return 0;
    }
    if (o.names) {
        for (const Load& load : loads()) std::cout << load.name << "\n";
        std::cout << "campaign\n";
        return 0;
    }
    if (o.check) {
        for (const Load& load : loads()) {
            if (load.large) continue;
            const std::uint64_t size = std::min<std::uint64_t>(load.sizes.front(), 1000);
            mcemu::test::isolated([&] { return run_once(load, size); }, 600);
            std::cout << load.name << " " << size << ": results as they must be\n";
        }
        regress_rate(50, 1);
        std::cout << "regress 50: results as they must be\n";
        campaign_rate(200, 1);
        std::cout << "campaign 200: results as they must be\n";
        return 0;
    }
    ordered_json out = {{"schema", "mcemu/bench/1"}, {"systemc", sc_core::sc_version()}};
    if (o.only == "regress") {  // its yardstick is a fork, not an event
        out["workloads"] = {regress_rate(o.size != 0 ? o.size : o.quick ? 500 : 5000, o.rounds)};
        std::cout << out.dump(2) << "\n";
        return 0;
    }
    if (o.only == "campaign") {  // likewise
        out["workloads"] = {campaign_rate(o.size != 0 ? o.size : o.quick ? 1000 : 4000, o.rounds)};
        std::cout << out.dump(2) << "\n";
        return 0;
    }
    out["raw_events_per_s"] = raw(o);
    const ordered_json raw_rates = out["raw_events_per_s"];
    out["workloads"] = ordered_json::array();
    for (const Load& load : loads())
        if (o.only.empty() ? !load.large : std::string(load.name).starts_with(o.only))
            out["workloads"].push_back(measure(load, o, raw_rates));
    // The machine may have changed its pace meanwhile: both yardsticks are shown.
    out["raw_events_per_s_after"] = raw(o);
    std::cout << out.dump(2) << "\n";
    return 0;
}

Options parse(int argc, char** argv) {
    Options o;
    const std::vector<std::string> args(argv + 1, argv + argc);
    for (std::size_t i = 0; i < args.size(); ++i) {
        const auto value = [&] {
            if (++i == args.size()) throw std::invalid_argument(args[i - 1] + " needs a value");
            return args[i];
        };
        if (args[i] == "--quick") o.quick = true, o.rounds = 3;
        else if (args[i] == "--check") o.check = true;
        else if (args[i] == "--names") o.names = true;
        else if (args[i] == "--only") o.only = value();
        else if (args[i] == "--one") o.one = value();
        else if (args[i] == "--single") o.single = value();
        else if (args[i] == "--size") o.size = std::stoull(value());
        else if (args[i] == "--rounds") o.rounds = std::max(1, std::stoi(value()));
        else throw std::invalid_argument("unknown option " + args[i]);
    }
    return o;
}

}  // namespace

int sc_main(int argc, char** argv) {
    sc_core::sc_report_handler::set_actions(sc_core::SC_INFO, sc_core::SC_DO_NOTHING);
    Options options;
    try {
        options = parse(argc, argv);
    } catch (const std::exception& e) {
        std::cerr << "mcemu_bench: " << e.what() << "\n";
        return 2;
    }
    try {
        return bench(options);
    } catch (const std::exception& e) {
        std::cerr << "mcemu_bench: " << e.what() << "\n";
        return 1;
    }
}

int main(int argc, char** argv) {
    ::setenv("SYSTEMC_DISABLE_COPYRIGHT_MESSAGE", "1", 1);
    return sc_core::sc_elab_and_sim(argc, argv);
}
