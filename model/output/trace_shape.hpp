#pragma once  // Which values each kind of trace record holds, and how they are written.
#include <cstdint>
#include <span>
#include <string_view>

#include "core/trace.hpp"

namespace mcemu::output {

/// How a value is written.
enum class As : std::uint8_t {
    none, number, signed_number, hex, event, action, origin, process, process_or_none, device, latency, access,
    access_result, page_flag, process_state, signal, signal_code, cache_mode, requested_mode, found_mode,
    log_index, log_text, low_byte, high_byte, word,
};

struct Field {
    const char* name = nullptr;
    As as = As::none;
    std::span<const std::string_view> words = {};  ///< As::word: by value; a number beyond them
};
/// Which values of a record are shown, under which names: subject, a, b, c (see TraceKind), and
/// what else lies packed in them.
struct Shape {
    TraceKind kind;
    Field subject, a, b, c, more = {};
    char more_of = 'c';  ///< 'a', 'c', or 's': the subject
};

const Shape& shape_of(TraceKind kind);

/// What an access came to: the result in a record of TraceKind::access, by number.
std::span<const std::string_view> access_results();

}  // namespace mcemu::output
