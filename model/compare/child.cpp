#include "compare/child.hpp"

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <iostream>
#include <system_error>
#include <utility>

// Present in coverage builds only; _exit() would lose the child's counts.
extern "C" void __gcov_dump() __attribute__((weak));

namespace mcemu::compare {
namespace {

constexpr char kAnswered = 'a', kThrew = 't';

void write_all(int fd, const std::string& text) {
    for (std::size_t done = 0; done < text.size();) {
        const ssize_t n = ::write(fd, text.data() + done, text.size() - done);
        if (n < 0 && errno != EINTR) return;  // the parent is gone
        if (n > 0) done += static_cast<std::size_t>(n);
    }
}

[[noreturn]] void be_the_child(int out, unsigned limit_s, const std::function<std::string()>& body) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (const int s : {SIGSEGV, SIGABRT, SIGFPE, SIGILL, SIGTERM, SIGALRM, SIGINT})
        std::signal(s, SIG_DFL);
    ::alarm(limit_s);
    std::string answer(1, kAnswered);
    try {
        answer += body();
    } catch (const std::exception& e) {
        answer = kThrew + std::string(e.what());
    } catch (...) {
        answer = kThrew + std::string("an exception without words");
    }
    write_all(out, answer);
    if (__gcov_dump) __gcov_dump();
    ::_exit(0);
}

std::string read_all(int fd) {
    std::string text;
    char block[64 * 1024];
    while (true) {
        const ssize_t n = ::read(fd, block, sizeof block);
        if (n > 0) text.append(block, static_cast<std::size_t>(n));
        else if (n == 0 || errno != EINTR) return text;
    }
}

}  // namespace

ChildEnd in_child(const std::function<std::string()>& body, unsigned limit_s) {
    std::cout.flush();
    std::fflush(nullptr);  // or the child would print it a second time
    int ends[2];
    if (::pipe(ends) != 0) throw std::system_error(errno, std::generic_category(), "pipe");
    const pid_t child = ::fork();
    if (child < 0) {
        const int error = errno;
        ::close(ends[0]);
        ::close(ends[1]);
        throw std::system_error(error, std::generic_category(), "fork");
    }
    if (child == 0) {
        ::close(ends[0]);
        be_the_child(ends[1], limit_s, body);
    }
    ::close(ends[1]);
    std::string text = read_all(ends[0]);
    ::close(ends[0]);
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    using How = ChildEnd::How;
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
        return {How::time_limit, "it ran for longer than " + std::to_string(limit_s) + " s"};
    if (WIFSIGNALED(status))
        return {How::died, "it died of signal " + std::to_string(WTERMSIG(status))};
    if (text.empty())
        return {How::died, "it ended with status " + std::to_string(WEXITSTATUS(status))};
    const How how = text.front() == kThrew ? How::threw : How::answered;
    text.erase(0, 1);
    return {how, std::move(text)};
}

ChildError::ChildError(const ChildEnd& end) : std::runtime_error(end.text), how_(end.how) {}

std::string answer_of(ChildEnd end) {
    if (end.how != ChildEnd::How::answered) throw ChildError(end);
    return std::move(end.text);
}

}  // namespace mcemu::compare
