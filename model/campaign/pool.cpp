#include "campaign/pool.hpp"

#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <exception>
#include <system_error>

#include "core/assert.hpp"

namespace mcemu::campaign {
namespace {

constexpr int kBadScenario = 2, kOwnFault = 3;
constexpr auto kBatchTime = std::chrono::milliseconds(50);
constexpr std::uint64_t kMostBatch = 256;   // machines of one process, all elaborated at first
constexpr std::uint64_t kAuditEvery = 100;  // runs
constexpr std::size_t kMostJobs = 4;  // scenarios kept at a time
constexpr std::size_t kSendAt = 16 * 1024;  // bytes
constexpr auto kTakeEvery = std::chrono::milliseconds(500);
constexpr std::size_t kTakeAt = 4096;  // records

void write_all(int fd, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t n = ::write(fd, bytes.data(), bytes.size());
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) ::_exit(kOwnFault);  // nobody is there to tell
        bytes.remove_prefix(static_cast<std::size_t>(n));
    }
}

}  // namespace

Pool::Pool(const Plan& plan, PoolOptions options) : plan_(plan), options_(options) {}

Pool::~Pool() {
    for (Child& c : children_) {
        ::kill(c.pid, SIGKILL);
        ::close(c.fd);
        ::waitpid(c.pid, nullptr, 0);
    }
}

std::shared_ptr<CellJob> Pool::job(std::uint64_t cell, std::uint64_t rep) {
    if (const auto it = jobs_.find(cell); it != jobs_.end()) return it->second;
    auto made = make_job(plan_, cell, rep);
    if (!made) throw BadRun{plan_.explain(cell, rep)};
    // Cells come in order: the lowest are done with.
    if (jobs_.size() >= kMostJobs) jobs_.erase(jobs_.begin());
    jobs_[cell] = made;
    return made;
}

Pool::Child& Pool::start(const Piece& piece) {
    Child child;
    child.piece = piece;
    child.job = job(piece.cell, piece.first);
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) throw std::system_error(errno, std::generic_category(), "pipe");
    const int pid = ::fork();
    if (pid < 0) {
        const int error = errno;
        ::close(ends[0]);
        ::close(ends[1]);
        throw std::system_error(error, std::generic_category(), "fork");
    }
    if (pid == 0) {
        ::close(ends[0]);
        serve(piece, *child.job, ends[1]);
    }
    ::close(ends[1]);
    child.pid = pid;
    child.fd = ends[0];
    child.begun = child.heard = Clock::now();
    children_.push_back(std::move(child));
    return children_.back();
}

/// In the child: never returns, and leaves the parent's open files and buffers alone.
void Pool::serve(const Piece& piece, const CellJob& job, int fd) {
    std::signal(SIGINT, SIG_IGN);  // the parent decides
    std::signal(SIGTERM, SIG_DFL);
    // What one run frees the next one takes: nothing goes back to the system in between.
    ::mallopt(M_MMAP_THRESHOLD, 1 << 30);
    ::mallopt(M_TRIM_THRESHOLD, 1 << 30);
    std::uint64_t at = piece.first;
    try {
        Worker worker(plan_, job, piece.first, piece.end);
        std::string bytes;
        for (; at < piece.end; ++at) {
            if (options_.crash_at == RunId{piece.cell, at}) ::raise(SIGKILL);
            while (options_.hang_at == RunId{piece.cell, at}) ::pause();
            const auto record = worker.run(at);
            if (!record) {
                write_all(fd, bytes);
                ::_exit(kBadScenario);
            }
            encode(*record, bytes);
            // Now and then: a system call per run costs as much as a short run.
            if (bytes.size() < kSendAt && at + 1 < piece.end) continue;
            write_all(fd, bytes);
            bytes.clear();
        }
        ::_exit(0);
    } catch (const std::exception& e) {
        RunRecord record = failed({piece.cell, at}, e.what());
        std::string bytes;
        encode(record, bytes);
        write_all(fd, bytes);
    }
    ::_exit(kOwnFault);
}

RunRecord Pool::failed(const RunId& id, std::string why) const {
    RunRecord record;
    record.id = id;
    record.seed = plan_.seed(id.cell, id.rep);
    record.failure = why.empty() ? "for a reason unknown" : std::move(why);
    record.durations.resize(plan_.campaign().measures.size());
    record.numbers.resize(plan_.campaign().numbers.size());
    return record;
}

/// Reads what a child has sent; false when it has closed its end.
bool Pool::hear(Child& child) {
    char block[64 * 1024];
    const ssize_t n = ::read(child.fd, block, sizeof block);
    if (n < 0) return errno == EINTR || errno == EAGAIN;
    if (n == 0) return false;
    child.heard = Clock::now();
    child.bytes.append(block, static_cast<std::size_t>(n));
    std::string_view rest = child.bytes;
    while (auto record = decode(rest)) child.records.push_back(std::move(*record));
    child.bytes.erase(0, child.bytes.size() - rest.size());
    return true;
}

void Pool::end(Child& child, std::vector<RunRecord>& out) {
    ::close(child.fd);
    int status = 0;
    while (::waitpid(child.pid, &status, 0) < 0 && errno == EINTR) {
    }
    const std::uint64_t wanted = child.piece.end - child.piece.first;
    const bool well = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    if (well && child.records.size() == wanted) {
        learn(child);
        for (std::uint64_t i = 0; i < wanted; ++i) {
            RunRecord& r = child.records[i];
            if (child.audit && !(r == child.expected))
                throw std::runtime_error(
                    "run " + std::to_string(r.id.rep) + " of cell " + std::to_string(r.id.cell) +
                    " differs between a process of its own and one that made others before it");
            if (child.audit) return;
            // The first run of a process has none before it.
            if (i > 0 && r.id.rep % kAuditEvery == kAuditEvery / 2) audits_.push_back(r);
            out.push_back(std::move(r));
        }
        return;
    }
    if (child.audit)
        throw std::runtime_error("run " + std::to_string(child.piece.first) + " of cell " +
                                 std::to_string(child.piece.cell) +
                                 " was made once, and fails in a process of its own");
    if (WIFEXITED(status) && WEXITSTATUS(status) == kBadScenario) {
        const std::uint64_t rep = child.piece.first + child.records.size();
        throw BadRun{plan_.explain(child.piece.cell, rep)};
    }
    if (wanted > 1) {
        // One of them is the culprit: each in a process of its own.
        for (std::uint64_t rep = child.piece.first; rep < child.piece.end; ++rep)
            again_.push_back({child.piece.cell, rep, rep + 1});
        return;
    }
    const RunId id{child.piece.cell, child.piece.first};
    if (child.out_of_time)
        out.push_back(failed(id, "time limit"));
    else if (WIFSIGNALED(status))
        out.push_back(failed(id, "signal " + std::to_string(WTERMSIG(status))));
    else if (child.records.size() == 1 && !child.records[0].failure.empty())
        out.push_back(std::move(child.records[0]));
    else
        out.push_back(failed(id, "exit status " + std::to_string(WEXITSTATUS(status))));
}

/// How many runs a worker makes in the time wanted.
void Pool::learn(const Child& child) {
    if (child.audit) return;
    const std::chrono::duration<double> took = Clock::now() - child.begun;
    const double runs = static_cast<double>(child.piece.end - child.piece.first);
    const double fits = runs * std::chrono::duration<double>(kBatchTime) /
                        std::max(took, std::chrono::duration<double>(1e-6));
    // At most twice as many at a time: the first runs of a process are its slowest.
    batch_ = std::clamp(std::min(fits, 2 * std::max(batch_, runs)), 1.0,
                        static_cast<double>(kMostBatch));
}

void Pool::run(Schedule& schedule, const Take& take) {
    std::vector<RunRecord> ready;
    Clock::time_point taken = Clock::now();
    const auto interrupted = [&] {
        return options_.interrupt && options_.interrupt->load(std::memory_order_relaxed);
    };
    while (true) {
        while (children_.size() < options_.jobs && !interrupted()) {
            if (!audits_.empty()) {
                RunRecord& record = audits_.front();
                Child& child = start({record.id.cell, record.id.rep, record.id.rep + 1});
                child.audit = true;
                child.expected = std::move(record);
                audits_.pop_front();
                continue;
            }
            Piece piece;
            if (!again_.empty()) {
                piece = again_.front();
                again_.pop_front();
            } else {
                // The last runs are shared out among all workers.
                const std::uint64_t left = schedule.planned() - schedule.done();
                const auto share = static_cast<double>(left / (2 * options_.jobs) + 1);
                piece = schedule.next(static_cast<std::uint64_t>(std::min(batch_, share)));
            }
            if (piece.first == piece.end) break;
            start(piece);
        }
        if (children_.empty()) break;

        std::vector<pollfd> fds;
        for (const Child& c : children_) fds.push_back({c.fd, POLLIN, 0});
        const int got = ::poll(fds.data(), fds.size(), 100);
        if (got < 0 && errno != EINTR) throw std::system_error(errno, std::generic_category(), "poll");
        std::size_t i = 0;
        for (auto it = children_.begin(); it != children_.end(); ++i) {
            Child& child = *it;
            bool open = true;
            if (got > 0 && (fds[i].revents & (POLLIN | POLLHUP | POLLERR))) open = hear(child);
            if (open && options_.time_limit.count() != 0 && !child.out_of_time &&
                Clock::now() - child.heard > options_.time_limit) {
                child.out_of_time = true;
                ::kill(child.pid, SIGKILL);
            }
            if (open) {
                ++it;
                continue;
            }
            const std::size_t before = ready.size();
            Child done = std::move(child);
            it = children_.erase(it);
            end(done, ready);
            for (std::size_t r = before; r < ready.size(); ++r) schedule.add(ready[r]);
        }
        if (!ready.empty() && (ready.size() >= kTakeAt || Clock::now() - taken >= kTakeEvery)) {
            take(std::move(ready));
            ready.clear();
            taken = Clock::now();
        }
    }
    if (!ready.empty()) take(std::move(ready));
}

std::uint64_t Pool::try_out(const Piece& piece) {
    std::vector<RunRecord> ignored;
    start(piece);
    while (hear(children_.back())) {
    }
    Child done = std::move(children_.back());
    children_.pop_back();
    end(done, ignored);
    again_.clear();
    return piece.end - piece.first;
}

}  // namespace mcemu::campaign
