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
#include <utility>

// Present in coverage builds only; _exit() would lose the child's counts.
extern "C" void __gcov_dump() __attribute__((weak));

namespace mcemu::regress {
namespace {

constexpr std::size_t kMostSaid = 16 * 1024;
constexpr std::size_t kMostBytes = std::size_t{1} << 30;  // of an answer, and on stderr
constexpr int kThrew = 70;                                // EX_SOFTWARE
constexpr std::size_t kHead = sizeof(std::uint64_t);      // before each answer: its length

void write_all(int fd, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t n = ::write(fd, bytes.data(), bytes.size());
        if (n < 0 && errno != EINTR) return;  // the parent is gone, or sees an incomplete answer
        if (n > 0) bytes.remove_prefix(static_cast<std::size_t>(n));
    }
}

[[noreturn]] void be_the_child(int answers, int words, pid_t parent, const Pool::Body& body) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // whoever kills the parent means its children too
    if (::getppid() != parent) ::_exit(0);
    ::setpgid(0, 0);
    for (const int s : {SIGINT, SIGTERM, SIGSEGV, SIGABRT, SIGFPE, SIGILL, SIGBUS, SIGALRM})
        ::signal(s, SIG_DFL);
    ::dup2(words, STDERR_FILENO);
    ::close(words);
    int status = 0;
    std::string said;
    try {
        std::string framed;
        body([&](std::string_view answer) {
            const std::uint64_t size = answer.size();
            framed.assign(reinterpret_cast<const char*>(&size), sizeof size);
            framed += answer;
            write_all(answers, framed);  // one system call, mostly
        });
    } catch (const std::exception& e) {
        said = std::string(e.what()) + "\n";
        status = kThrew;
    } catch (...) {
        said = "an exception of an unknown kind\n";
        status = kThrew;
    }
    write_all(STDERR_FILENO, said);
    if (__gcov_dump) __gcov_dump();
    ::_exit(status);
}

/// A pipe that nobody else inherits.
class Pipe {
public:
    Pipe() {
        if (::pipe2(ends_, O_CLOEXEC) != 0)
            throw std::system_error(errno, std::generic_category(), "no pipe for a worker");
        ::fcntl(ends_[0], F_SETFL, O_NONBLOCK);
    }
    ~Pipe() {
        for (const int fd : ends_)
            if (fd >= 0) ::close(fd);
    }
    Pipe(const Pipe&) = delete;
    Pipe& operator=(const Pipe&) = delete;
    int out() const { return ends_[1]; }
    int take_in() { return std::exchange(ends_[0], -1); }

private:
    int ends_[2];
};

}  // namespace

Pool::Pool(unsigned size, Limit limit) : size_(std::max(size, 1u)), limit_(limit) {
    running_.reserve(size_);
}

Pool::~Pool() {
    kill_all();
    Heard ignored;
    for (Child& child : running_) reap(child, ignored);
}

Pool::Clock::time_point Pool::deadline() const {
    if (limit_ <= Limit::zero()) return Clock::time_point::max();
    return Clock::now() + std::chrono::duration_cast<Clock::duration>(limit_);
}

void Pool::start(std::uint64_t ticket, const Body& body) {
    Pipe answers, words;
    const pid_t self = ::getpid();
    const pid_t pid = ::fork();
    if (pid == 0) {
        ::close(answers.take_in());
        ::close(words.take_in());
        for (const Child& other : running_) {
            ::close(other.answers);
            if (other.words >= 0) ::close(other.words);
        }
        be_the_child(answers.out(), words.out(), self, body);
    }
    if (pid < 0) throw std::system_error(errno, std::generic_category(), "no process for a worker");
    ::setpgid(pid, pid);  // whoever comes first: a kill must never miss
    running_.push_back({ticket, pid, answers.take_in(), words.take_in(), deadline()});
}

/// Reads what the child said on stderr, as far as it goes.
void Pool::read_words(Child& child) {
    char block[4 * 1024];
    while (child.words >= 0) {
        const ssize_t n = ::read(child.words, block, sizeof block);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && errno == EAGAIN) return;
        if (n <= 0) {
            ::close(child.words);
            child.words = -1;
            return;
        }
        const auto size = static_cast<std::size_t>(n);
        child.said.append(block, std::min(size, kMostSaid - child.said.size()));
        child.talked += size;
        if (child.talked > kMostBytes) ::kill(-child.pid, SIGKILL);  // it talks for ever
    }
}

void Pool::reap(Child& child, Heard& heard) {
    int status = 0;
    while (::waitpid(child.pid, &status, 0) < 0 && errno == EINTR) {
    }
    ::close(child.answers);
    child.answers = -1;
    read_words(child);
    if (child.words >= 0) ::close(child.words);
    heard.ended = true;
    if (WIFSIGNALED(status)) heard.signal = WTERMSIG(status);
    if (WIFEXITED(status)) heard.status = WEXITSTATUS(status);
    heard.said = std::move(child.said);
    heard.timed_out = child.timed_out;
}

/// Reads answers; reaps the child when it sends no more.
void Pool::hear(Child& child, Heard& heard) {
    char block[32 * 1024];
    bool over = false;
    while (!over) {
        const ssize_t n = ::read(child.answers, block, sizeof block);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && errno == EAGAIN) break;
        over = n <= 0;
        if (n > 0) child.bytes.append(block, static_cast<std::size_t>(n));
        if (child.bytes.size() > kMostBytes) ::kill(-child.pid, SIGKILL);
        if (n > 0 && static_cast<std::size_t>(n) < sizeof block) break;  // poll() says when more
    }
    std::size_t done = 0;
    while (child.bytes.size() - done >= kHead) {
        std::uint64_t size = 0;
        std::memcpy(&size, child.bytes.data() + done, sizeof size);
        if (child.bytes.size() - done - kHead < size) break;
        heard.answers.push_back(child.bytes.substr(done + kHead, size));
        done += kHead + size;
    }
    child.bytes.erase(0, done);
    if (done > 0) child.deadline = deadline();
    if (over) reap(child, heard);
}

std::vector<Heard> Pool::wait(std::chrono::milliseconds at_most) {
    std::vector<Heard> all;
    if (running_.empty()) return all;
    std::vector<pollfd> fds;
    fds.reserve(2 * running_.size());
    auto wake = Clock::now() + at_most;
    for (const Child& child : running_) {
        fds.push_back({child.answers, POLLIN, 0});
        fds.push_back({child.words, POLLIN, 0});  // poll() passes over -1
        if (!child.timed_out) wake = std::min(wake, child.deadline);
    }
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(wake - Clock::now()).count();
    const int ready = ::poll(fds.data(), fds.size(), static_cast<int>(std::max<long>(0, left)));
    for (std::size_t i = 0; ready > 0 && i < running_.size(); ++i) {
        Child& child = running_[i];
        if (fds[2 * i + 1].revents != 0) read_words(child);
        if (fds[2 * i].revents == 0) continue;
        Heard heard{.ticket = child.ticket};
        hear(child, heard);
        if (heard.ended || !heard.answers.empty()) all.push_back(std::move(heard));
    }
    if (limit_ > Limit::zero()) {
        const auto now = Clock::now();
        for (Child& child : running_) {
            if (child.answers < 0 || child.timed_out || now < child.deadline) continue;
            child.timed_out = true;
            ::kill(-child.pid, SIGKILL);
        }
    }
    std::erase_if(running_, [](const Child& child) { return child.answers < 0; });
    return all;
}

void Pool::kill_all() {
    for (const Child& child : running_) ::kill(-child.pid, SIGKILL);
}

Heard run_in_child(const Pool::Body& body) {
    Pool pool(1, Pool::Limit::zero());
    pool.start(0, body);
    Heard all;
    while (!all.ended) {
        for (Heard& heard : pool.wait(std::chrono::milliseconds(60'000))) {
            std::vector<std::string> answers = std::move(all.answers);
            for (std::string& answer : heard.answers) answers.push_back(std::move(answer));
            all = std::move(heard);
            all.answers = std::move(answers);
        }
    }
    return all;
}

}  // namespace mcemu::regress
