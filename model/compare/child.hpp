#pragma once  // One piece of work in a forked child: SystemC simulates once per process.
#include <cstdint>
#include <functional>
#include <stdexcept>
#include <string>

namespace mcemu::compare {

/// How a child ended.
struct ChildEnd {
    enum class How : std::uint8_t {
        answered,    ///< `text` is what the work returned
        threw,       ///< `text` is what the exception said: the emulator is at fault
        died,        ///< `text` names the signal or status
        time_limit,  ///< it ran for longer than allowed
    } how = How::answered;
    std::string text;
};

/// Runs `body` in a forked child, in which signals act as by default, and returns what it
/// returned. `limit_s`: seconds of real time that it may take, 0 for ever. Throws
/// std::system_error when there can be no child.
ChildEnd in_child(const std::function<std::string()>& body, unsigned limit_s);

/// A child had no answer.
class ChildError : public std::runtime_error {
public:
    explicit ChildError(const ChildEnd& end);
    ChildEnd::How how() const { return how_; }

private:
    ChildEnd::How how_;
};
/// The answer. Throws ChildError when there is none.
std::string answer_of(ChildEnd end);

}  // namespace mcemu::compare
