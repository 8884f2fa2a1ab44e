#pragma once  // Forked children that send answers back.
#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace mcemu::regress {

/// What came from a child since the last time.
struct Heard {
    std::uint64_t ticket = 0;
    std::vector<std::string> answers{};  ///< those that are whole, in the order they were sent
    bool ended = false;                  ///< there is no more; what follows says how it ended
    std::string said{};                  ///< the beginning of what it wrote to stderr
    int signal = 0;                      ///< that it died of; 0: none
    int status = 0;                      ///< exit status, when it was no signal
    bool timed_out = false;              ///< killed: no answer came within the limit
};

/// Runs functions in forked children, at most `size` at a time. A child that dies, hangs or talks
/// takes nobody along: it has a process group of its own and its stderr is kept.
class Pool {
public:
    using Limit = std::chrono::nanoseconds;
    using Send = std::function<void(std::string_view answer)>;
    using Body = std::function<void(const Send& send)>;

    /// `limit`: wall time that a child may take to its first answer, and from one to the next; 0:
    /// any.
    Pool(unsigned size, Limit limit);
    /// Kills what still runs.
    ~Pool();
    Pool(const Pool&) = delete;
    Pool& operator=(const Pool&) = delete;

    bool full() const { return running_.size() >= size_; }
    std::size_t running() const { return running_.size(); }

    /// Starts a child that sends as many answers as it likes and ends without destructors. An
    /// exception that leaves `body` becomes exit status 70 with its text on stderr.
    /// Throws std::system_error when the system gives no process or pipe.
    void start(std::uint64_t ticket, const Body& body);

    /// What came, after waiting for something when there is nothing; nothing at all when
    /// `at_most` is over first or a signal came.
    std::vector<Heard> wait(std::chrono::milliseconds at_most);

    void kill_all();

private:
    using Clock = std::chrono::steady_clock;
    struct Child {
        std::uint64_t ticket;
        pid_t pid;
        int answers, words;  // descriptors; -1: closed
        Clock::time_point deadline;
        bool timed_out = false;
        std::string bytes{};  // of an answer that is not whole
        std::string said{};
        std::size_t talked = 0;
    };
    void hear(Child& child, Heard& heard);
    static void read_words(Child& child);
    static void reap(Child& child, Heard& heard);
    Clock::time_point deadline() const;

    unsigned size_;
    Limit limit_;
    std::vector<Child> running_;
};

/// Runs `body` in one child without a limit, for a caller that is a child itself: all that came.
Heard run_in_child(const Pool::Body& body);

}  // namespace mcemu::regress
