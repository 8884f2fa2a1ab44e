#include "compare/debugger.hpp"

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <iostream>
#include <sstream>
#include <system_error>

#include "compare/child.hpp"
#include "compare/debug_session.hpp"

namespace mcemu::compare {
namespace {

[[noreturn]] void lost() {
    throw ChildError({ChildEnd::How::died, "the run that was looked at is gone"});
}

}  // namespace

Debugger::Debugger(const scenario::LoadedScenario& loaded, const NvdimmImage* start_from)
    : loaded_(loaded), start_from_(start_from) {
    launch(0);
    first_ = receive();
    position_ = first_.position;
}

Debugger::~Debugger() { end_child(); }

void Debugger::launch(std::uint64_t position) {
    int down[2], up[2];
    if (::pipe(down) != 0) throw std::system_error(errno, std::generic_category(), "pipe");
    if (::pipe(up) != 0) {
        const int error = errno;
        ::close(down[0]), ::close(down[1]);
        throw std::system_error(error, std::generic_category(), "pipe");
    }
    std::cout.flush();
    std::fflush(nullptr);
    child_ = ::fork();
    if (child_ < 0) {
        const int error = errno;
        for (const int fd : {down[0], down[1], up[0], up[1]}) ::close(fd);
        throw std::system_error(error, std::generic_category(), "fork");
    }
    if (child_ == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        ::close(down[1]), ::close(up[0]);
        debug_session(loaded_, start_from_, position, down[0], up[1]);
    }
    ::close(down[0]), ::close(up[1]);
    to_ = down[1], from_ = up[0];
}

void Debugger::end_child() {
    if (child_ <= 0) return;
    ::close(to_), ::close(from_);
    ::kill(child_, SIGKILL);
    int status = 0;
    while (::waitpid(child_, &status, 0) < 0 && errno == EINTR) {
    }
    child_ = -1;
}

/// "POSITION UNDERSTOOD ENDED BYTES\n" and so many bytes.
Debugger::Reply Debugger::receive() {
    std::string head;
    const auto read_some = [&](char* to, std::size_t bytes) {
        while (true) {
            const ssize_t n = ::read(from_, to, bytes);
            if (n > 0) return static_cast<std::size_t>(n);
            if (n == 0 || errno != EINTR) lost();
        }
    };
    for (char c = 0; (read_some(&c, 1), c != '\n');) head += c;
    std::istringstream words(head);
    Reply reply;
    std::size_t bytes = 0;
    int understood = 0, ended = 0;
    words >> reply.position >> understood >> ended >> bytes;
    if (!words) {
        // What ended the run: the emulator's own fault.
        throw ChildError({ChildEnd::How::threw, head});
    }
    reply.understood = understood != 0;
    reply.ended = ended != 0;
    reply.text.resize(bytes);
    for (std::size_t done = 0; done < bytes;)
        done += read_some(reply.text.data() + done, bytes - done);
    return reply;
}

Debugger::Reply Debugger::send(const std::string& line) {
    const std::string text = line + "\n";
    for (std::size_t done = 0; done < text.size();) {
        const ssize_t n = ::write(to_, text.data() + done, text.size() - done);
        if (n < 0 && errno != EINTR) lost();
        if (n > 0) done += static_cast<std::size_t>(n);
    }
    Reply reply = receive();
    position_ = reply.position;
    return reply;
}

Debugger::Reply Debugger::go_to(std::uint64_t position) {
    end_child();
    launch(position);
    Reply reply = receive();
    for (const std::string& line : breaks_) send(line);
    position_ = reply.position;
    return reply;
}

Debugger::Reply Debugger::ask(const std::string& line) {
    std::istringstream words(line);
    std::string command, argument;
    words >> command >> argument;
    Reply reply;
    reply.position = position_;
    if (command.empty()) return reply;
    if (command == "help" || command == "h") {
        reply.text = help();
        return reply;
    }
    if (command == "restart") return go_to(0);
    if (command == "back") {
        std::uint64_t steps = 1;
        const auto [end, error] =
            std::from_chars(argument.data(), argument.data() + argument.size(), steps);
        if (!argument.empty() && (error != std::errc{} || end != argument.data() + argument.size())) {
            reply.understood = false;
            reply.text = "back takes a number of entries, not '" + argument + "'\n";
            return reply;
        }
        return go_to(steps > position_ ? 0 : position_ - steps);
    }
    reply = send(line);
    if (reply.understood && (command == "break" || command == "b" || command == "delete"))
        breaks_.push_back(line);
    return reply;
}

std::string Debugger::help() {
    return "step [N]            run N entries of the agenda (1)\n"
           "next                run to the next event of the scenario\n"
           "until TIME          run to that time\n"
           "continue            run to a break, or to the end\n"
           "back [N]            N entries earlier (1), by running again\n"
           "restart             before the first entry\n"
           "break time TIME     stop at a time\n"
           "break kind KIND     stop after a trace record of that kind: page_flag, mc_taken ...\n"
           "break event ID      stop after that event of the scenario\n"
           "break address ADDR  stop after a record that names that address or page number\n"
           "break page PFN FLAG     stop when the page gets the flag: hwpoison ...\n"
           "break process ID STATE  stop when the process is killed or exited\n"
           "break bank CPU BANK     stop when the bank holds a valid record\n"
           "breaks, delete N    list them, forget one\n"
           "print banks | pages [PFN] | memtypes | direct-map | poison | badblocks | processes |\n"
           "      signals | log | counters | fates | records\n"
           "causes [ID]         what led to the last record, or to that one\n"
           "trace [N]           the last N records (10)\n"
           "where               time and position\n"
           "help, quit\n";
}

}  // namespace mcemu::compare
