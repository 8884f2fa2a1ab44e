#pragma once  // The text that the mce-inject program reads.
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "formats/remark.hpp"

namespace mcemu::formats {

/// One record of the text, with the registers as the program would hand them to the kernel.
struct MceInjectRecord {
    unsigned line = 0;  ///< where it starts, from 1

    std::uint32_t cpu = 0;
    std::uint8_t legacy_cpu = 0;  ///< of the kernel's panic line, which leaves `cpu` at 0
    std::uint8_t bank = 0;
    std::uint64_t status = 0, mcgstatus = 0;
    std::optional<std::uint64_t> addr, misc;  ///< nullopt: not written
    std::uint8_t cs = 0;
    std::uint64_t ip = 0;
    std::uint64_t tsc = 0, time = 0;  ///< 0: the kernel fills it in
    std::uint8_t cpuvendor = 0;
    std::uint32_t cpuid = 0, socketid = 0, apicid = 0;
    std::uint64_t mcgcap = 0;

    enum class RaiseAs : std::uint8_t { exception, poll };
    RaiseAs raise_as = RaiseAs::poll;  ///< default: exception when UC is set
    bool raise_explicit = false;       ///< POLL or EXCP was written
    bool hold = false;
    enum class Context : std::uint8_t { random, process, irq } context = Context::random;
    /// How the other CPUs are made to enter: never for a polled record.
    enum class Broadcast : std::uint8_t { none, nmi, irq } broadcast = Broadcast::none;
};

struct MceInjectText {
    std::vector<MceInjectRecord> records;
    std::vector<Remark> warnings;  ///< accepted, but surely not meant
    /// The first error. What stands in `records` then is what the original program has handed over
    /// before it complains; nobody else should act on it.
    std::optional<Remark> error;
    /// Line of the error as the original program counts: without lines that end in a comment.
    unsigned tool_line = 0;
};

/// Parses the whole text. Accepted beyond the original: CR before LF, and a comment that ends with
/// the text. Source: mce-inject mce.lex, mce.y, inject.c.
MceInjectText parse_mce_inject(std::string_view text);

}  // namespace mcemu::formats
