#pragma once  // Forked children that each do one thing and send bytes back.
#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace mcemu::regress {

/// How a child ended.
struct Ended {
    std::uint64_t ticket = 0;
    bool answered = false;   ///< `answer` is whole: the child's last act was to send it
    std::string answer{};
    std::string said{};       ///< the beginning of what it wrote to stderr
    int signal = 0;          ///< that it died of; 0: none
    int status = 0;          ///< exit status, when it was no signal
    bool timed_out = false;
};

/// Runs functions in forked children, at most `size` at a time. A child that dies, hangs or talks
/// takes nobody along: it has a process group of its own and its stderr is kept.
class Pool {
public:
    using Limit = std::chrono::nanoseconds;
    /// `limit`: wall time that a child may take; 0: any.
    Pool(unsigned size, Limit limit);
    /// Kills what still runs.
    ~Pool();
    Pool(const Pool&) = delete;
    Pool& operator=(const Pool&) = delete;

    bool full() const { return running_.size() >= size_; }
    std::size_t running() const { return running_.size(); }

    /// Starts a child that sends what `body` returns and ends without destructors. An exception
    /// that leaves `body` becomes exit status 70 with its text on stderr.
    /// Throws std::system_error when the system gives no process or pipe.
    void start(std::uint64_t ticket, const std::function<std::string()>& body);

    /// The children that ended, after waiting for one when there is none; nothing at all when
    /// `at_most` is over first or a signal came.
    std::vector<Ended> wait(std::chrono::milliseconds at_most);

    void kill_all();

private:
    using Clock = std::chrono::steady_clock;
    struct Child {
        std::uint64_t ticket;
        pid_t pid;
        int fd;
        Clock::time_point deadline;
        bool timed_out;
        std::string bytes;
    };
    void read_from(Child& child, std::vector<Ended>& ended);
    static Ended reap(Child& child);

    unsigned size_;
    Limit limit_;
    std::vector<Child> running_;
};

/// Runs `body` in one child without a limit; for a caller that is a child itself.
Ended run_in_child(const std::function<std::string()>& body);

}  // namespace mcemu::regress
