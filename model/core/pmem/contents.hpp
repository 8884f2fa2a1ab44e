#pragma once  // What persistent memory holds, as far as somebody wrote it on purpose.
#include <cstdint>
#include <map>
#include <optional>
#include <string_view>
#include <vector>

#include "core/event.hpp"
#include "core/pmem/btt_layout.hpp"
#include "core/units.hpp"

namespace mcemu::pmem {

/// An info block of 4 KiB (nvdimm.md 3.1, 3.2, 3.4): what a personality writes when it is made,
/// and what the kernel looks for when the namespace is enabled.
struct InfoBlock {
    enum class Kind : std::uint8_t { pfn, dax, btt } kind = Kind::pfn;
    // pfn and dax
    std::uint64_t dataoff = 0, npfns = 0, end_trunc = 0, align = 0;  ///< bytes, pages, bytes, bytes
    std::uint32_t mode = 1;                                          ///< 1 map=mem, 2 map=dev
    // btt
    BttArena arena{};
    std::uint64_t nextoff = 0;  ///< bytes to the next arena; 0: the last
    bool operator==(const InfoBlock&) const = default;
};

/// Runs of equal contents by system physical address. Memory that nobody wrote reads as zeros.
class Contents {
public:
    struct Fill {
        enum class Kind : std::uint8_t {
            word,     ///< four bytes, repeated
            pattern,  ///< contents with a name; byte N behind `origin` is byte N of them
            info,     ///< an info block that begins at `origin`
            unknown,  ///< written, but the scenario does not say with what
        } kind = Kind::word;
        std::uint32_t value = 0;   ///< the word; DataSpec's number; number of the info block
        std::uint64_t origin = 0;  ///< SPA
        bool operator==(const Fill&) const = default;
    };

    void write(SpaRange range, const Fill& fill);
    void write(SpaRange range, const DataSpec& data);
    /// A store that stays in a CPU's cache: a power failure may take it back, until the range is
    /// written past the caches or flushed.
    void write_cached(SpaRange range, const Fill& fill);
    /// CLWB, CLFLUSH of these lines.
    void flush(SpaRange range) { erase(under_, range); }
    /// What only caches held is lost; what stood there before is there again.
    void lose_cached();
    void zero(SpaRange range) { write(range, Fill{}); }
    void write_info(std::uint64_t spa, const InfoBlock& block);

    /// The info block that stands, whole, at `spa`; null: none.
    const InfoBlock* info_at(std::uint64_t spa) const;
    /// Whether the range holds what `data` would have written there.
    bool holds(SpaRange range, const DataSpec& data) const {
        return holds(range, data, range.begin);
    }
    bool holds(SpaRange range, const DataSpec& data, std::uint64_t origin) const;
    /// "zero", "fill", "pattern", "mixed", "unknown" or "info", and the fill of the first byte.
    struct Summary {
        std::string_view what = "zero";
        std::uint32_t word = 0;
        std::optional<std::uint32_t> pattern{};  ///< DataSpec's number
        bool operator==(const Summary&) const = default;
    };
    Summary describe(SpaRange range) const;
    /// The fill that leaves `data` from `origin` on.
    static Fill fill_of(const DataSpec& data, std::uint64_t origin);

    /// A run, complete in itself.
    struct Saved {
        SpaRange range;
        Fill fill;  ///< info: `value` means nothing
        InfoBlock info{};
        bool operator==(const Saved&) const = default;
    };
    /// All that is not zeros, rising; and contents that consist of it.
    std::vector<Saved> save() const;
    void restore(const std::vector<Saved>& runs);

private:
    struct Run {
        std::uint64_t end;
        Fill fill;
    };
    using Runs = std::map<std::uint64_t, Run>;  // by first byte; disjoint
    static void cut(Runs& runs, std::uint64_t at);
    static Runs::iterator erase(Runs& runs, SpaRange range);
    void set(SpaRange range, const Fill& fill);

    Runs runs_;
    Runs under_;  // what the media holds where a cache holds something newer; zeros too
    std::vector<InfoBlock> infos_;
};

inline constexpr std::uint64_t kInfoBlock = 4096;

}  // namespace mcemu::pmem
