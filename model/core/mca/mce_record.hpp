#pragma once  // struct mce: what the kernel keeps of one bank's error.
#include <cstdint>

#include "core/units.hpp"

namespace mcemu::mca {

/// Who made a record.
enum class RecordSource : std::uint8_t { exception, poll, firmware, injector };

/// Source: include/uapi/asm/mce.h; kernel.md 1.3.
struct MceRecord {
    std::uint64_t status = 0, misc = 0, addr = 0, mcgstatus = 0, ip = 0, tsc = 0, time = 0;
    std::uint64_t ppin = 0;
    std::uint32_t cpuid = 0, socketid = 0, apicid = 0, microcode = 0;
    std::uint32_t extcpu = 0;
    std::uint32_t kflags = 0;   ///< MCE_HANDLED_*, v6.1
    std::int32_t bank = 0;      ///< -1: GHES
    std::uint8_t cs = 0;
    std::uint8_t severity = 0;  ///< Severity
    std::uint8_t cpuvendor = 0; ///< 0 Intel
    std::uint32_t origin = 0;   ///< scenario event that latched it (1-based)
    RecordSource source = RecordSource::exception;
    std::uint32_t number = 0;   ///< of the records of this run, from 1; 0: not logged (yet)
};

}  // namespace mcemu::mca
