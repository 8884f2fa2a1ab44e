#pragma once  // Strong types shared by every layer.
#include <chrono>
#include <compare>
#include <cstdint>

namespace mcemu {

/// Simulated time. One tick is one picosecond, SystemC's default resolution,
/// so crossing the boundary never rounds. 2^64 ps is about 213 days.
using SimTime = std::chrono::duration<std::uint64_t, std::pico>;

/// Whole nanoseconds of a time, rounded down: the unit of results and logs.
constexpr std::uint64_t to_ns(SimTime t) { return t.count() / 1000; }
constexpr SimTime from_ns(std::uint64_t ns) { return SimTime{ns * 1000}; }

inline constexpr std::uint64_t kPageSize = 4096;   ///< base page, bytes
inline constexpr std::uint64_t kLineSize = 64;     ///< cache line, bytes
inline constexpr std::uint64_t kSectorSize = 512;  ///< always, in every kernel table
inline constexpr unsigned kPageShift = 12;
inline constexpr unsigned kPmdShift = 21;
inline constexpr unsigned kPudShift = 30;

/// Number of a 4 KiB page frame: system physical address >> 12.
struct Pfn {
    std::uint64_t value{};
    constexpr auto operator<=>(const Pfn&) const = default;
    constexpr std::uint64_t spa() const { return value << kPageShift; }
};
constexpr Pfn pfn_of(std::uint64_t spa) { return Pfn{spa >> kPageShift}; }

/// Half-open range of addresses of one address space, [begin, end), in bytes.
/// SpaRange counts system physical addresses, DpaRange addresses inside one DIMM.
struct SpaRange {
    std::uint64_t begin{};
    std::uint64_t end{};

    constexpr bool operator==(const SpaRange&) const = default;
    constexpr std::uint64_t size() const { return end - begin; }
    /// True when all of [address, address + size) lies inside; never wraps.
    constexpr bool contains(std::uint64_t address, std::uint64_t size = 1) const {
        return address >= begin && size <= end - begin && address - begin <= end - begin - size;
    }
    constexpr bool overlaps(SpaRange other) const { return begin < other.end && other.begin < end; }
};
using DpaRange = SpaRange;

using CpuId = std::uint32_t;
inline constexpr CpuId kNoCpu = ~CpuId{0};

constexpr std::uint64_t round_down(std::uint64_t value, std::uint64_t unit) {
    return value / unit * unit;
}
constexpr std::uint64_t round_up(std::uint64_t value, std::uint64_t unit) {
    return (value + unit - 1) / unit * unit;
}

}  // namespace mcemu
