#include "campaign/cluster.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>
#include <set>
#include <sstream>
#include <thread>

#include "campaign/database.hpp"
#include "campaign/pool.hpp"
#include "campaign/schedule.hpp"
#include "output/atomic_file.hpp"

namespace mcemu::campaign {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr int kAttempts = 3;
constexpr std::uint64_t kSmallestArray = 1000;  // MaxArraySize - 1 of a site that did not choose

struct Answer {
    int status = -1;  ///< exit status; 127: there is no such command
    std::string out, err;
};

/// Runs a command and waits; nothing is read from standard input.
Answer command(const std::vector<std::string>& arguments) {
    int out[2], err[2];
    if (::pipe2(out, O_CLOEXEC) != 0) throw ClusterError(std::string("pipe: ") + std::strerror(errno));
    if (::pipe2(err, O_CLOEXEC) != 0) {
        ::close(out[0]);
        ::close(out[1]);
        throw ClusterError(std::string("pipe: ") + std::strerror(errno));
    }
    const int pid = ::fork();
    if (pid == 0) {
        const int null = ::open("/dev/null", O_RDONLY);
        ::dup2(null, 0);
        ::dup2(out[1], 1);
        ::dup2(err[1], 2);
        std::signal(SIGPIPE, SIG_DFL);
        std::vector<char*> argv;
        for (const std::string& a : arguments) argv.push_back(const_cast<char*>(a.c_str()));
        argv.push_back(nullptr);
        ::execvp(argv[0], argv.data());
        ::_exit(127);
    }
    ::close(out[1]);
    ::close(err[1]);
    Answer answer;
    const auto drain = [](int fd, std::string& into) {
        char block[4096];
        for (ssize_t n; (n = ::read(fd, block, sizeof block)) != 0;) {
            if (n < 0 && errno == EINTR) continue;
            if (n < 0) break;
            into.append(block, static_cast<std::size_t>(n));
        }
        ::close(fd);
    };
    // These commands say little on standard error: its pipe does not fill before the first is read.
    drain(out[0], answer.out);
    drain(err[0], answer.err);
    int status = 0;
    if (pid > 0) {
        while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
        }
        answer.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }
    return answer;
}

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

std::string quoted(const std::string& text) {
    std::string out = "'";
    for (const char c : text) out += c == '\'' ? "'\\''" : std::string(1, c);
    return out + "'";
}

std::string tail_of(const std::string& path) {
    std::ifstream in(path);
    std::string line, last;
    while (std::getline(in, line))
        if (!line.empty()) last = line;
    return last.empty() ? "nothing was written to " + path : last + " (" + path + ")";
}

class Array {
public:
    Array(const Plan& plan, const ClusterOptions& options)
        : plan_(plan), options_(options), folder_(fs::absolute(shards_folder(options.output)).string()) {}

    bool run() {
        std::error_code error;
        fs::create_directories(folder_, error);
        if (error) throw output::OutputError("cannot make " + folder_ + ": " + error.message());
        const std::string plan_file = folder_ + "/plan.db";
        if (fs::exists(plan_file)) {
            const Database old(plan_file, Database::Mode::read);
            if (plan_of(old)->files() != plan_.files())
                throw ClusterError(folder_ + " holds shards of another campaign: remove it, or choose another -o");
        } else {
            write_results(plan_file, plan_, {}, false);
        }
        for (int round = next_round();; ++round) {
            const std::string done = gather(round);
            const Database database(done, Database::Mode::read);
            const Schedule schedule(plan_, &database);
            show(schedule.done(), schedule.planned());
            if (schedule.complete()) {
                write_results(options_.output, plan_, {&database}, true);
                break;
            }
            if (!one_round(round, done, schedule)) return false;
        }
        remove_shards(options_.output);
        return true;
    }

private:
    std::string name(int round, const std::string& rest) const {
        return folder_ + "/round-" + std::to_string(round) + rest;
    }
    std::string shard(int round, std::uint64_t number) const {
        return name(round, "-shard-" + std::to_string(number) + ".db");
    }
    void show(std::uint64_t done, std::uint64_t planned) const {
        if (options_.progress) options_.progress(done, planned);
    }
    bool interrupted() const {
        return options_.interrupt && options_.interrupt->load(std::memory_order_relaxed);
    }

    /// Results that the folder holds: of earlier rounds, and of rounds that were interrupted.
    std::vector<std::string> results() const {
        std::vector<std::string> found;
        for (const auto& entry : fs::directory_iterator(folder_)) {
            const std::string file = entry.path().filename().string();
            if (file == "plan.db" || (file.rfind("round-", 0) == 0 && file.ends_with(".db") && is_sqlite(entry.path().string())))
                found.push_back(entry.path().string());
        }
        std::sort(found.begin(), found.end());
        return found;
    }
    int next_round() const {
        int round = 1;
        while (fs::exists(name(round, ".sh"))) ++round;
        return round;
    }
    /// All results so far in one file; the single ones go.
    std::string gather(int round) const {
        const std::vector<std::string> found = results();
        const std::string merged = name(round, "-before.db");
        merge_files(found, merged);
        for (const std::string& file : found)
            if (file != merged && !file.ends_with("/plan.db")) fs::remove(file);
        return merged;
    }

    /// Shards such that each takes about the time wanted: by making some runs here.
    std::uint64_t shard_count(std::uint64_t missing) const {
        if (options_.shards != 0) return std::min(options_.shards, missing);
        const auto start = Clock::now();
        std::uint64_t made = 0;
        PoolOptions one;
        one.jobs = 1;
        one.interrupt = options_.interrupt;
        Pool pool(plan_, one);
        while (made < missing && Clock::now() - start < std::chrono::milliseconds(500)) {
            // Other cells may take other times: some of each, spread over the campaign.
            Schedule few(plan_, nullptr);
            few.keep_shard(made * 7919 % 101 + 1, 101);
            Piece piece = few.next(1);
            if (piece.first == piece.end) piece = {0, made, made + 1};
            made += pool.try_out(piece);
            if (interrupted()) break;
        }
        const std::chrono::duration<double> each = (Clock::now() - start) / static_cast<double>(std::max<std::uint64_t>(made, 1));
        const double per_shard = std::max(1.0, std::floor(std::chrono::duration<double>(options_.shard_time) / each));
        const auto wanted = static_cast<std::uint64_t>(std::ceil(static_cast<double>(missing) / per_shard));
        return std::clamp<std::uint64_t>(wanted, 1, std::min(missing, largest_array()));
    }
    std::uint64_t largest_array() const {
        if (!options_.submit.empty()) return kSmallestArray;
        std::istringstream config(command({"scontrol", "show", "config"}).out);
        for (std::string line; std::getline(config, line);) {
            std::uint64_t size = 0;
            if (line.rfind("MaxArraySize", 0) == 0 && std::sscanf(line.c_str(), "MaxArraySize = %lu", &size) == 1 && size > 1)
                return size - 1;
        }
        return kSmallestArray;
    }

    bool one_round(int round, const std::string& done, const Schedule& schedule) {
        const std::uint64_t missing = schedule.planned() - schedule.done();
        const std::uint64_t count = shard_count(missing);
        if (interrupted()) return false;
        std::vector<std::uint64_t> todo(count);
        for (std::uint64_t i = 0; i < count; ++i) todo[i] = i + 1;
        for (int attempt = 1; !todo.empty(); ++attempt) {
            if (attempt > kAttempts)
                throw ClusterError("shard " + std::to_string(todo.front()) + " of " + std::to_string(count) + " ended " +
                                   std::to_string(kAttempts) + " times without a result: " +
                                   tail_of(log_of(round, todo.front())));
            const std::string script = write_script(round, attempt, count, done, todo);
            const std::string job = submit(script, round, todo.size());
            const bool all = wait(job, round, todo, schedule, missing, count);
            if (interrupted()) {
                if (!job.empty()) command({"scancel", job});
                return false;
            }
            if (all) return true;
            std::erase_if(todo, [&](std::uint64_t i) { return fs::exists(shard(round, i)); });
            for (const std::uint64_t i : todo) fs::remove(shard(round, i) + ".failed");
        }
        return true;
    }

    std::string log_of(int round, std::uint64_t i) const {
        return name(round, "-shard-" + std::to_string(i) + ".log");
    }

    /// Task k makes the k-th shard on the list: schedulers count from 1 without gaps.
    std::string write_script(int round, int attempt, std::uint64_t count, const std::string& done,
                             const std::vector<std::uint64_t>& todo) const {
        std::string list;
        for (const std::uint64_t i : todo) list += std::to_string(i) + "\n";
        const std::string todo_file = name(round, "-todo-" + std::to_string(attempt));
        output::write_file(todo_file, list);
        const std::string prefix = name(round, "-shard-");
        const std::string text =
            "#!/bin/sh\n"
            "# A task of the campaign \"" + printable(plan_.campaign().name) + "\".\n"
            "k=${SLURM_ARRAY_TASK_ID:-${LSB_JOBINDEX:-${SGE_TASK_ID:-${PBS_ARRAY_INDEX:-${PBS_ARRAYID:-${MCEMU_TASK:-$1}}}}}}\n"
            "i=$(sed -n \"${k}p\" " + quoted(todo_file) + ")\n"
            "[ -n \"$i\" ] || { echo \"no task $k\" >&2; exit 2; }\n"
            "shard=" + quoted(prefix) + "$i\n"
            "[ -e \"$shard.db\" ] && exit 0\n" +
            quoted(options_.program) + " campaign shard --jobs 1 --quiet --progress never \"$i/" + std::to_string(count) + "\" " +
            quoted(folder_ + "/plan.db") + " --after " + quoted(done) + " -o \"$shard.db\" >\"$shard.log\" 2>&1 </dev/null\n"
            "status=$?\n"
            "# A run that failed is a result, too.\n"
            "[ -e \"$shard.db\" ] || { echo $status >\"$shard.db.failed\"; exit $status; }\n";
        const std::string script = attempt == 1 ? name(round, ".sh") : name(round, "-again-" + std::to_string(attempt) + ".sh");
        output::write_file(script, text);
        ::chmod(script.c_str(), 0755);
        return script;
    }
    static std::string printable(const std::string& text) {
        std::string out;
        for (const char c : text) out += static_cast<unsigned char>(c) < ' ' || c == '"' ? '_' : c;
        return out;
    }

    /// The job's number; empty for a scheduler that cannot be asked.
    std::string submit(const std::string& script, int round, std::size_t count) const {
        if (options_.submit.empty()) {
            std::vector<std::string> arguments = {"sbatch", "--parsable", "--array=1-" + std::to_string(count), "--ntasks=1",
                                                  "--requeue", "--export=NONE", "--job-name=mcemu",
                                                  "--output=" + name(round, "-%a.out"), "--open-mode=append"};
            arguments.insert(arguments.end(), options_.submit_options.begin(), options_.submit_options.end());
            arguments.push_back(script);
            const Answer answer = command(arguments);
            if (answer.status == 127) throw ClusterError("there is no sbatch here: --on slurm needs Slurm's commands");
            if (answer.status != 0) throw ClusterError("sbatch refused the job: " + first_line(answer.err));
            const std::string job = first_line(answer.out);
            return job.substr(0, job.find(';'));  // "123;cluster"
        }
        std::string text = options_.submit;
        const auto replace = [&](const std::string& what, const std::string& by) {
            for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += by.size()) text.replace(at, what.size(), by);
        };
        replace("{count}", std::to_string(count));
        replace("{script}", quoted(script));
        replace("{log}", quoted(name(round, ".out")));
        const Answer answer = command({"/bin/sh", "-c", text});
        if (answer.status != 0)
            throw ClusterError("--submit ended with status " + std::to_string(answer.status) + ": " + first_line(answer.err));
        return {};
    }

    /// Whether tasks of the job are queued or running; nullopt: the scheduler did not answer.
    static std::optional<bool> queued(const std::string& job) {
        const Answer answer = command({"squeue", "-h", "-r", "-j", job, "-o", "%i"});
        if (answer.status == 0) return answer.out.find_first_not_of(" \n") != std::string::npos;
        // A job that it has forgotten is over.
        if (answer.err.find("Invalid job id") != std::string::npos) return false;
        return std::nullopt;
    }

    /// Until all shards are there (true), or no task can bring any more.
    bool wait(const std::string& job, int round, const std::vector<std::uint64_t>& todo, const Schedule& schedule,
              std::uint64_t missing, std::uint64_t count) const {
        std::set<std::uint64_t> open(todo.begin(), todo.end());
        Clock::time_point news = Clock::now(), asked = Clock::now(), answered = Clock::now();
        while (!interrupted()) {
            const std::size_t before = open.size();
            bool failed = false;
            for (auto it = open.begin(); it != open.end();) {
                if (fs::exists(shard(round, *it))) {
                    it = open.erase(it);
                    continue;
                }
                failed = failed || fs::exists(shard(round, *it) + ".failed");
                ++it;
            }
            if (open.size() != before) news = Clock::now();
            show(schedule.done() + missing * (count - open.size()) / count, schedule.planned());
            if (open.empty()) return true;
            const std::size_t failures = static_cast<std::size_t>(
                std::count_if(open.begin(), open.end(), [&](std::uint64_t i) { return fs::exists(shard(round, i) + ".failed"); }));
            if (failures == open.size()) return false;
            if (job.empty()) {
                if (Clock::now() - news > options_.lost_after) return false;
            } else if (Clock::now() - asked >= 2 * options_.poll) {
                asked = Clock::now();
                const auto still = queued(job);
                if (still) answered = asked;
                if (still && !*still) {
                    // Its last files may be on their way through a file system.
                    std::this_thread::sleep_for(options_.poll);
                    return std::all_of(open.begin(), open.end(), [&](std::uint64_t i) { return fs::exists(shard(round, i)); });
                }
                if (Clock::now() - answered > options_.lost_after)
                    throw ClusterError("squeue has not answered for a long time; job " + job + " may still run: resume later");
            }
            std::this_thread::sleep_for(options_.poll);
        }
        return false;
    }

    const Plan& plan_;
    const ClusterOptions& options_;
    const std::string folder_;
};

}  // namespace

void remove_shards(const std::string& output) {
    // Tasks that were cancelled may still take their own files away.
    std::error_code error;
    for (int i = 0; i < 100 && fs::exists(shards_folder(output)); ++i) {
        fs::remove_all(shards_folder(output), error);
        if (error) std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
    if (fs::exists(shards_folder(output)))
        throw output::OutputError("cannot remove " + shards_folder(output) + ": " + error.message());
}

std::string shards_folder(const std::string& output) { return output + ".shards"; }

bool run_on_cluster(const Plan& plan, const ClusterOptions& options) { return Array(plan, options).run(); }

}  // namespace mcemu::campaign
