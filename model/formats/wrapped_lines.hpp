#pragma once  // Lines of a log that a console or a letter has broken in two.
#include <string_view>

#include "formats/log_line.hpp"

namespace mcemu::formats {

/// Whether words of the kernel about errors stop in their middle: "... Bank 17:", "... MISC",
/// "Memory failure: 0x10d88e: recovery action for clean LRU". Only what is known to go on.
bool unfinished(std::string_view text);
/// Whether a line may be the end of one before it: no logger put anything before it, and it does
/// not begin as lines about errors do.
bool continues(const LogLine& line);

/// Calls `each(number, LogLine)` for every line of a text, broken ones put together; numbers from
/// 1, of the line where it begins. Returns how many lines there were.
template <class Each>
unsigned for_each_log_line(std::string_view text, Each each) {
    constexpr unsigned kMostPieces = 4;
    LogLines lines;
    LogLine held;
    unsigned number = 0, begun = 0, pieces = 0;
    while (!text.empty()) {
        const std::size_t end = text.find('\n');
        LogLine line = lines.next(text.substr(0, end));
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
        ++number;
        if (pieces != 0 && continues(line)) {
            held.text += ' ';
            held.text += line.text;
            ++pieces;
        } else {
            if (pieces != 0) each(begun, held);
            held = std::move(line);
            begun = number;
            pieces = 1;
        }
        if (pieces < kMostPieces && !held.foreign && unfinished(held.text)) continue;
        each(begun, held);
        pieces = 0;
    }
    if (pieces != 0) each(begun, held);
    return number;
}

}  // namespace mcemu::formats
