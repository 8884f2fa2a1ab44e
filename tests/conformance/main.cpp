// Replays records of the field against mcemu: a line per difference, a total per family.
// usage: mcemu_conformance --mcemu PROGRAM [--keep FOLDER] [--only TEXT] [-v] FOLDER...
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <mutex>
#include <thread>

#include "conformance/family.hpp"

namespace fs = std::filesystem;
using namespace mcemu::conformance;

namespace {

struct Outcome {
    enum { passed, failed, skipped } what = passed;
    std::vector<std::string> lines;
};

/// Runs `program run SCENARIO --json --quiet --check-invariants`; the result, or an error text.
std::pair<json, std::string> run(const std::string& program, const fs::path& scenario) {
    const fs::path out = scenario.string() + ".result", err = scenario.string() + ".err";
    const pid_t pid = fork();
    if (pid == 0) {
        if (!freopen(out.c_str(), "w", stdout) || !freopen(err.c_str(), "w", stderr)) _exit(126);
        execl(program.c_str(), program.c_str(), "run", scenario.c_str(), "--json", "--quiet",
              "--check-invariants", static_cast<char*>(nullptr));
        _exit(127);
    }
    int status = 0;
    waitpid(pid, &status, 0);
    std::ifstream e(err);
    std::string text((std::istreambuf_iterator<char>(e)), {});
    if (!WIFEXITED(status) || WEXITSTATUS(status) > 1)
        return {nullptr, (WIFEXITED(status) ? "exit " + std::to_string(WEXITSTATUS(status))
                                            : "signal " + std::to_string(WTERMSIG(status))) +
                             ": " + text.substr(0, 400)};
    std::ifstream in(out);
    json result = json::parse(in, nullptr, false);
    if (result.is_discarded()) return {nullptr, "the result is no JSON"};
    return {result, ""};
}

std::vector<fs::path> records_below(const std::vector<std::string>& folders) {
    std::vector<fs::path> files;
    for (const std::string& folder : folders) {
        if (fs::is_regular_file(folder)) {
            files.emplace_back(folder);
            continue;
        }
        for (const auto& entry : fs::recursive_directory_iterator(folder))
            if (entry.is_regular_file() && entry.path().extension() == ".json")
                files.push_back(entry.path());
    }
    std::sort(files.begin(), files.end());
    return files;
}

}  // namespace

int main(int argc, char** argv) {
    std::string program, keep, only;
    bool verbose = false;
    std::vector<std::string> folders;
    for (int i = 1; i < argc; ++i) {
        const std::string a = argv[i];
        if (a == "--mcemu" && i + 1 < argc) program = argv[++i];
        else if (a == "--keep" && i + 1 < argc) keep = argv[++i];
        else if (a == "--only" && i + 1 < argc) only = argv[++i];
        else if (a == "-v") verbose = true;
        else folders.push_back(a);
    }
    if (program.empty() || folders.empty()) {
        std::cerr << "usage: mcemu_conformance --mcemu PROGRAM [--keep FOLDER] [--only TEXT] [-v] FOLDER...\n";
        return 2;
    }
    std::vector<std::unique_ptr<Family>> families;
    families.push_back(make_oracle_family());

    const fs::path work = keep.empty() ? fs::temp_directory_path() / ("mcemu-conformance-" + std::to_string(getpid()))
                                       : fs::path(keep);
    fs::create_directories(work);
    std::vector<fs::path> files;
    for (const fs::path& f : records_below(folders))
        if (only.empty() || f.string().find(only) != std::string::npos) files.push_back(f);

    std::vector<std::pair<std::string, Outcome>> outcomes(files.size());
    std::atomic<std::size_t> next{0};
    const auto worker = [&] {
        for (std::size_t i; (i = next++) < files.size();) {
            auto& [family_name, outcome] = outcomes[i];
            std::ifstream in(files[i]);
            const json record = json::parse(in, nullptr, false);
            const Family* family = nullptr;
            for (const auto& f : families)
                if (!record.is_discarded() && f->owns(record)) family = f.get();
            family_name = family ? family->name() : "unknown";
            if (!family) {
                outcome = {Outcome::skipped, {"no family knows this format"}};
                continue;
            }
            try {
                const Case c = family->translate(record);
                if (c.skip) {
                    outcome = {Outcome::skipped, {*c.skip}};
                    continue;
                }
                const fs::path scenario = work / (files[i].parent_path().filename().string() + "-" +
                                                  files[i].filename().string());
                std::ofstream(scenario) << c.scenario.dump(1) << "\n";
                const auto [result, error] = run(program, scenario);
                if (!error.empty()) outcome = {Outcome::failed, {error}};
                else if (auto lines = family->compare(record, c, result); !lines.empty())
                    outcome = {Outcome::failed, lines};
            } catch (const std::exception& e) {
                outcome = {Outcome::failed, {std::string("the record could not be replayed: ") + e.what()}};
            }
        }
    };
    std::vector<std::thread> pool;
    for (unsigned t = 0; t < std::max(1u, std::thread::hardware_concurrency()); ++t) pool.emplace_back(worker);
    for (std::thread& t : pool) t.join();

    std::map<std::string, std::array<int, 3>> totals;
    for (std::size_t i = 0; i < files.size(); ++i) {
        const auto& [family, outcome] = outcomes[i];
        ++totals[family][outcome.what];
        if (outcome.what == Outcome::passed && verbose) std::cout << "ok    " << files[i].string() << "\n";
        for (const std::string& line : outcome.lines)
            std::cout << (outcome.what == Outcome::skipped ? "skip  " : "FAIL  ") << files[i].string() << ": " << line << "\n";
    }
    bool bad = false;
    for (const auto& [family, n] : totals) {
        std::cout << family << ": " << n[0] << " passed, " << n[1] << " failed, " << n[2] << " skipped\n";
        bad = bad || n[1] != 0;
    }
    if (keep.empty()) fs::remove_all(work);
    return bad ? 1 : 0;
}
