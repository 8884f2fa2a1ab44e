#include "support/isolated.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <iostream>
#include <stdexcept>
#include <string>

// Present in coverage builds only; _exit() would lose the child's counts.
extern "C" void __gcov_dump() __attribute__((weak));

namespace mcemu::test {
namespace {

void write_all(int fd, const std::string& text) {
    for (std::size_t done = 0; done < text.size();) {
        const ssize_t n = ::write(fd, text.data() + done, text.size() - done);
        if (n < 0 && errno != EINTR) return;  // the parent sees an incomplete answer
        if (n > 0) done += static_cast<std::size_t>(n);
    }
}

std::string read_all(int fd) {
    std::string text;
    char buffer[65536];
    for (;;) {
        const ssize_t n = ::read(fd, buffer, sizeof buffer);
        if (n == 0) return text;
        if (n > 0) text.append(buffer, static_cast<std::size_t>(n));
        else if (errno != EINTR) throw std::runtime_error(std::string("read: ") + std::strerror(errno));
    }
}

[[noreturn]] void be_the_child(int out, unsigned limit_s, const std::function<nlohmann::json()>& body) {
    // Catch's own handlers would report a crash as if the parent had had it.
    for (const int s : {SIGSEGV, SIGABRT, SIGFPE, SIGILL, SIGTERM, SIGALRM}) std::signal(s, SIG_DFL);
    ::alarm(limit_s);
    nlohmann::json answer;
    try {
        answer["ok"] = body();
    } catch (const std::exception& e) {
        answer["error"] = e.what();
    }
    write_all(out, answer.dump());
    std::cout.flush();
    std::fflush(nullptr);
    if (__gcov_dump) __gcov_dump();
    ::_exit(0);
}

}  // namespace

nlohmann::json isolated(const std::function<nlohmann::json()>& body, unsigned limit_s) {
    std::cout.flush();
    std::fflush(nullptr);  // or the child would print it a second time
    int pipe_ends[2];
    if (::pipe(pipe_ends) != 0) throw std::runtime_error(std::string("pipe: ") + std::strerror(errno));
    const pid_t child = ::fork();
    if (child < 0) throw std::runtime_error(std::string("fork: ") + std::strerror(errno));
    if (child == 0) {
        ::close(pipe_ends[0]);
        be_the_child(pipe_ends[1], limit_s, body);
    }
    ::close(pipe_ends[1]);
    const std::string text = read_all(pipe_ends[0]);
    ::close(pipe_ends[0]);
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }

    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
        throw std::runtime_error("the child ran for longer than " + std::to_string(limit_s) + " s");
    if (WIFSIGNALED(status))
        throw std::runtime_error("the child died of signal " + std::to_string(WTERMSIG(status)));
    if (WEXITSTATUS(status) != 0)
        throw std::runtime_error("the child ended with status " + std::to_string(WEXITSTATUS(status)));
    const nlohmann::json answer = nlohmann::json::parse(text);
    if (answer.contains("error"))
        throw std::runtime_error("the child threw: " + answer["error"].get<std::string>());
    return answer["ok"];
}

}  // namespace mcemu::test
