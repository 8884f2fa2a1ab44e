#pragma once  // The words of a trace back to the numbers they stand for.
#include <cstdint>
#include <optional>
#include <string_view>

#include "core/trace.hpp"

namespace mcemu::report {

std::optional<TraceKind> find_kind(std::string_view word);
std::optional<Module> find_module(std::string_view word);
std::optional<std::uint64_t> find_access(std::string_view word);
std::optional<std::uint64_t> find_page_flag(std::string_view word);
std::optional<std::uint64_t> find_process_state(std::string_view word);
/// "SIGBUS", or a number.
std::optional<std::uint64_t> find_signal(std::string_view word);
/// "BUS_MCEERR_AR" of signal `signo`, or a number; below zero as two's complement.
std::optional<std::uint64_t> find_signal_code(std::uint64_t signo, std::string_view word);
std::optional<std::uint64_t> find_cache_mode(std::string_view word);
/// "0x20cb00".
std::optional<std::uint64_t> find_hex(std::string_view text);

}  // namespace mcemu::report
