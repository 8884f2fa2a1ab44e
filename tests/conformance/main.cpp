// Replays records of the field against mcemu: a line per difference, a total per family. Lines
// that begin with "note" tell where a record's own older expectation differs, and are no failure.
// usage: mcemu_conformance --mcemu PROGRAM [--keep FOLDER] [--only TEXT] [-v] FOLDER...
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cctype>
#include <deque>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <thread>

#include "conformance/family.hpp"

namespace fs = std::filesystem;
using namespace mcemu::conformance;

namespace {

struct Outcome {
    enum { passed, failed, skipped } what = passed;
    std::vector<std::string> lines, remarks;
};

/// A case of a record and what came of it.
struct Job {
    fs::path file;
    const json* record = nullptr;
    const Family* family = nullptr;
    Case c;
    Outcome outcome;

    std::string title() const {
        return file.string() + (c.name.empty() ? "" : " [" + c.name + "]");
    }
};

/// Runs the program; the JSON it printed, or an error text. Output and errors go to files
/// beside `base`.
std::pair<json, std::string> run(const std::string& program, std::vector<std::string> arguments,
                                 const std::string& base) {
    const std::string out = base + ".result", err = base + ".err";
    arguments.insert(arguments.begin(), program);
    std::vector<char*> argv;
    for (std::string& a : arguments) argv.push_back(a.data());
    argv.push_back(nullptr);
    const pid_t pid = fork();
    if (pid == 0) {
        if (!freopen(out.c_str(), "w", stdout) || !freopen(err.c_str(), "w", stderr)) _exit(126);
        execv(program.c_str(), argv.data());
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

/// A name that a shell does not mind.
std::string file_name(const Job& job) {
    std::string name = job.file.parent_path().filename().string() + "-" + job.file.stem().string();
    if (!job.c.name.empty()) name += "-" + job.c.name;
    for (char& c : name)
        if (!std::isalnum(static_cast<unsigned char>(c)) && c != '.' && c != '-') c = '_';
    return name + ".json";
}

void perform(const std::string& program, const fs::path& work, Job& job) {
    if (job.c.skip) {
        job.outcome = {Outcome::skipped, {*job.c.skip}, {}};
        return;
    }
    const std::string base = (work / file_name(job)).string();
    std::pair<json, std::string> ran;
    if (!job.c.scenario.is_null()) {
        for (;;) {
            std::ofstream(base) << job.c.scenario.dump(1) << "\n";
            ran = run(program, {"run", base, "--json", "--quiet", "--check-invariants"}, base);
            if (!ran.second.empty()) break;
            std::optional<Case> more = job.family->refine(*job.record, job.c, ran.first);
            if (!more) break;
            job.c = std::move(*more);
        }
    } else if (!job.c.arguments.empty()) {
        ran = run(program, job.c.arguments, base);
    }
    if (!ran.second.empty()) {
        job.outcome = {Outcome::failed, {ran.second}, {}};
        return;
    }
    Verdict verdict = job.family->compare(*job.record, job.c, ran.first);
    job.outcome.what = verdict.differences.empty() ? Outcome::passed : Outcome::failed;
    job.outcome.lines = std::move(verdict.differences);
    job.outcome.remarks = std::move(verdict.remarks);
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
        if (a == "--mcemu" && i + 1 < argc)
            program = argv[++i];
        else if (a == "--keep" && i + 1 < argc)
            keep = argv[++i];
        else if (a == "--only" && i + 1 < argc)
            only = argv[++i];
        else if (a == "-v")
            verbose = true;
        else
            folders.push_back(a);
    }
    if (program.empty() || folders.empty()) {
        std::cerr << "usage: mcemu_conformance --mcemu PROGRAM [--keep FOLDER] [--only TEXT] [-v] "
                     "FOLDER...\n";
        return 2;
    }
    std::vector<std::unique_ptr<Family>> families;
    families.push_back(make_oracle_family());
    families.push_back(make_mce_test_family());
    families.push_back(make_status_family());
    families.push_back(make_badblocks_family());
    families.push_back(make_ndctl_family());

    const fs::path work =
        keep.empty() ? fs::temp_directory_path() / ("mcemu-conformance-" + std::to_string(getpid()))
                     : fs::path(keep);
    fs::create_directories(work);
    std::deque<json> records;  // jobs point into it
    std::vector<Job> jobs;
    for (const fs::path& file : records_below(folders)) {
        if (!only.empty() && file.string().find(only) == std::string::npos) continue;
        std::ifstream in(file);
        const json& record = records.emplace_back(json::parse(in, nullptr, false));
        Job job;
        job.file = file;
        job.record = &record;
        for (const auto& f : families)
            if (!record.is_discarded() && f->owns(record)) job.family = f.get();
        if (!job.family) {
            job.c.skip = "no family knows this format";
            jobs.push_back(job);
            continue;
        }
        try {
            for (Case& c : job.family->translate(record)) {
                job.c = std::move(c);
                jobs.push_back(job);
            }
        } catch (const std::exception& e) {
            job.outcome = {Outcome::failed,
                           {std::string("the record could not be translated: ") + e.what()},
                           {}};
            job.record = nullptr;
            jobs.push_back(job);
        }
    }

    std::atomic<std::size_t> next{0};
    const auto worker = [&] {
        for (std::size_t i; (i = next++) < jobs.size();) {
            if (!jobs[i].record) continue;
            try {
                perform(program, work, jobs[i]);
            } catch (const std::exception& e) {
                jobs[i].outcome = {Outcome::failed,
                                   {std::string("the record could not be replayed: ") + e.what()},
                                   {}};
            }
        }
    };
    std::vector<std::thread> pool;
    for (unsigned t = 0; t < std::max(1u, std::thread::hardware_concurrency()); ++t)
        pool.emplace_back(worker);
    for (std::thread& t : pool) t.join();

    std::map<std::string, std::array<int, 3>> totals;
    for (const Job& job : jobs) {
        ++totals[job.family ? job.family->name() : "unknown"][job.outcome.what];
        if (job.outcome.what == Outcome::passed && verbose)
            std::cout << "ok    " << job.title() << "\n";
        for (const std::string& line : job.outcome.lines)
            std::cout << (job.outcome.what == Outcome::skipped ? "skip  " : "FAIL  ") << job.title()
                      << ": " << line << "\n";
        for (const std::string& line : job.outcome.remarks)
            std::cout << "note  " << job.title() << ": " << line << "\n";
    }
    bool bad = false;
    for (const auto& [family, n] : totals) {
        std::cout << family << ": " << n[0] << " passed, " << n[1] << " failed, " << n[2]
                  << " skipped\n";
        bad = bad || n[1] != 0;
    }
    if (keep.empty()) fs::remove_all(work);
    return bad ? 1 : 0;
}
