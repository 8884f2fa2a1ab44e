#include "regress/pool.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <exception>
#include <string_view>
#include <system_error>

// Present in coverage builds only; _exit() would lose the child's counts.
extern "C" void __gcov_dump() __attribute__((weak));

namespace mcemu::regress {
namespace {

// stderr and the answer share one pipe. The answer comes last, with its length and this behind it.
constexpr std::string_view kEnd = "\x02mcemu\x03\n";
constexpr std::size_t kTrailer = sizeof(std::uint64_t) + kEnd.size();
constexpr std::size_t kMostSaid = 16 * 1024;
constexpr std::size_t kMostBytes = std::size_t{1} << 30;
constexpr int kThrew = 70;  // EX_SOFTWARE

void write_all(int fd, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t n = ::write(fd, bytes.data(), bytes.size());
        if (n < 0 && errno != EINTR) return;  // the parent is gone, or sees an incomplete answer
        if (n > 0) bytes.remove_prefix(static_cast<std::size_t>(n));
    }
}

[[noreturn]] void be_the_child(int out, pid_t parent, const std::function<std::string()>& body) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // whoever kills the parent means its children too
    if (::getppid() != parent) ::_exit(0);
    ::setpgid(0, 0);
    for (const int s : {SIGINT, SIGTERM, SIGSEGV, SIGABRT, SIGFPE, SIGILL, SIGBUS, SIGALRM})
        ::signal(s, SIG_DFL);
    ::dup2(out, STDERR_FILENO);
    ::close(out);  // one descriptor only: a child of ours takes stderr for itself
    int status = 0;
    std::string answer;
    try {
        answer = body();
        const std::uint64_t size = answer.size();
        answer.append(reinterpret_cast<const char*>(&size), sizeof size);
        answer += kEnd;
    } catch (const std::exception& e) {
        answer = std::string(e.what()) + "\n";
        status = kThrew;
    } catch (...) {
        answer = "an exception of an unknown kind\n";
        status = kThrew;
    }
    write_all(STDERR_FILENO, answer);
    if (__gcov_dump) __gcov_dump();
    ::_exit(status);
}

/// Splits what came through the pipe.
void take_apart(std::string bytes, Ended& ended) {
    std::uint64_t size = 0;
    if (bytes.size() >= kTrailer && bytes.ends_with(kEnd)) {
        std::memcpy(&size, bytes.data() + bytes.size() - kTrailer, sizeof size);
        if (size <= bytes.size() - kTrailer) {
            ended.answered = true;
            const std::size_t begin = bytes.size() - kTrailer - size;
            ended.answer = bytes.substr(begin, size);
            bytes.resize(begin);
        }
    }
    if (bytes.size() > kMostSaid) bytes.resize(kMostSaid);
    ended.said = std::move(bytes);
}

}  // namespace

Pool::Pool(unsigned size, Limit limit) : size_(std::max(size, 1u)), limit_(limit) {
    running_.reserve(size_);
}

Pool::~Pool() {
    kill_all();
    for (Child& child : running_) reap(child);
}

void Pool::start(std::uint64_t ticket, const std::function<std::string()>& body) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0)
        throw std::system_error(errno, std::generic_category(), "no pipe for a worker");
    const pid_t self = ::getpid();
    const pid_t pid = ::fork();
    if (pid == 0) {
        ::close(ends[0]);
        for (const Child& other : running_) ::close(other.fd);
        be_the_child(ends[1], self, body);
    }
    const int error = errno;
    ::close(ends[1]);
    if (pid < 0) {
        ::close(ends[0]);
        throw std::system_error(error, std::generic_category(), "no process for a worker");
    }
    ::setpgid(pid, pid);  // whoever comes first: a kill must never miss
    ::fcntl(ends[0], F_SETFL, O_NONBLOCK);
    const bool limited = limit_ > Limit::zero();
    const auto deadline =
        limited ? Clock::now() + std::chrono::duration_cast<Clock::duration>(limit_)
                : Clock::time_point::max();
    running_.push_back({ticket, pid, ends[0], deadline, false, {}});
}

Ended Pool::reap(Child& child) {
    Ended ended{.ticket = child.ticket};
    int status = 0;
    while (::waitpid(child.pid, &status, 0) < 0 && errno == EINTR) {
    }
    ::close(child.fd);
    if (WIFSIGNALED(status)) ended.signal = WTERMSIG(status);
    if (WIFEXITED(status)) ended.status = WEXITSTATUS(status);
    take_apart(std::move(child.bytes), ended);
    // Done in time after all, when the answer was whole before the kill.
    ended.timed_out = child.timed_out && !ended.answered;
    return ended;
}

void Pool::read_from(Child& child, std::vector<Ended>& ended) {
    char block[32 * 1024];
    while (true) {
        const ssize_t n = ::read(child.fd, block, sizeof block);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && errno == EAGAIN) return;
        if (n > 0 && child.bytes.size() < kMostBytes) {
            child.bytes.append(block, static_cast<std::size_t>(n));
            continue;
        }
        if (n > 0) {  // it talks for ever
            ::kill(-child.pid, SIGKILL);
            continue;
        }
        ended.push_back(reap(child));
        child.fd = -1;
        return;
    }
}

std::vector<Ended> Pool::wait(std::chrono::milliseconds at_most) {
    std::vector<Ended> ended;
    if (running_.empty()) return ended;
    std::vector<pollfd> fds;
    fds.reserve(running_.size());
    auto wake = Clock::now() + at_most;
    for (const Child& child : running_) {
        fds.push_back({child.fd, POLLIN, 0});
        if (!child.timed_out) wake = std::min(wake, child.deadline);
    }
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(wake - Clock::now()).count();
    const int ready = ::poll(fds.data(), fds.size(), static_cast<int>(std::max<long>(0, left)));
    if (ready > 0) {
        for (std::size_t i = 0; i < fds.size(); ++i)
            if (fds[i].revents != 0) read_from(running_[i], ended);
    }
    if (limit_ > Limit::zero()) {
        const auto now = Clock::now();
        for (Child& child : running_) {
            if (child.fd < 0 || child.timed_out || now < child.deadline) continue;
            child.timed_out = true;
            ::kill(-child.pid, SIGKILL);
        }
    }
    std::erase_if(running_, [](const Child& child) { return child.fd < 0; });
    return ended;
}

void Pool::kill_all() {
    for (const Child& child : running_) ::kill(-child.pid, SIGKILL);
}

Ended run_in_child(const std::function<std::string()>& body) {
    Pool pool(1, Pool::Limit::zero());
    pool.start(0, body);
    while (true) {
        std::vector<Ended> ended = pool.wait(std::chrono::milliseconds(60'000));
        if (!ended.empty()) return std::move(ended.front());
    }
}

}  // namespace mcemu::regress
