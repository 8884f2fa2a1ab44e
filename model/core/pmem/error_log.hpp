#pragma once  // What a module writes down of its errors (nvdimm.md 4.3, 4.4).
#include <cstddef>
#include <cstdint>
#include <deque>

#include "core/units.hpp"

namespace mcemu::pmem {

struct ErrorLogEntry {
    enum class Kind : std::uint8_t { media, thermal };
    /// What the module was doing.
    enum class Transaction : std::uint8_t { none, app_direct_read, app_direct_write, patrol, ars };
    SimTime at{};
    std::uint32_t sequence = 0;  ///< of all entries of this priority, rising from 1
    Kind kind = Kind::media;
    Transaction transaction = Transaction::none;
    std::uint64_t dpa = 0;          ///< media: first byte
    std::uint8_t range_log2 = 0;    ///< media: bytes, as a power of two
    bool injected = false;
    bool dpa_valid = false;
};

/// Two lists of one module, each of the newest kEntries entries.
class ErrorLog {
public:
    static constexpr std::size_t kEntries = 64;

    void add(bool high, ErrorLogEntry entry) {
        List& list = high ? high_ : low_;
        entry.sequence = ++list.sequence;
        if (list.entries.size() == kEntries) list.entries.pop_front();
        list.entries.push_back(entry);
    }
    /// A host's read, or a scrub that found an error, of lines [begin, end).
    void media(bool high, SimTime at, DpaRange range, ErrorLogEntry::Transaction how,
               bool injected) {
        ErrorLogEntry e;
        e.at = at;
        e.transaction = how;
        e.dpa = range.begin;
        while ((std::uint64_t{1} << e.range_log2) < range.size()) ++e.range_log2;
        e.injected = injected;
        e.dpa_valid = true;
        add(high, e);
    }
    const std::deque<ErrorLogEntry>& high() const { return high_.entries; }
    const std::deque<ErrorLogEntry>& low() const { return low_.entries; }

private:
    struct List {
        std::deque<ErrorLogEntry> entries;
        std::uint32_t sequence = 0;
    };
    List high_, low_;
};

}  // namespace mcemu::pmem
