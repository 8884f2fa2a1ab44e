#include "report/values.hpp"

#include <charconv>
#include <string>
#include <unordered_map>

#include "output/dmesg.hpp"
#include "output/words.hpp"

namespace mcemu::report {
namespace {

using Table = std::unordered_map<std::string_view, std::uint64_t>;

/// The words of 0, 1, ... `count` - 1; the first of equal ones counts, "" is none.
template <class Word>
Table table_of(std::uint64_t count, Word word) {
    Table table;
    for (std::uint64_t i = 0; i < count; ++i)
        if (const std::string_view text = word(i); !text.empty()) table.try_emplace(text, i);
    return table;
}

std::optional<std::uint64_t> find(const Table& table, std::string_view word) {
    const auto found = table.find(word);
    if (found == table.end()) return std::nullopt;
    return found->second;
}

std::optional<std::int64_t> whole(std::string_view text) {
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return value;
}

}  // namespace

std::optional<TraceKind> find_kind(std::string_view word) {
    static const Table table =
        table_of(static_cast<std::uint64_t>(TraceKind::count_),
                 [](std::uint64_t i) { return output::word(static_cast<TraceKind>(i)); });
    const auto found = find(table, word);
    if (!found) return std::nullopt;
    return static_cast<TraceKind>(*found);
}

std::optional<Module> find_module(std::string_view word) {
    static const Table table =
        table_of(static_cast<std::uint64_t>(Module::count_),
                 [](std::uint64_t i) { return output::word(static_cast<Module>(i)); });
    const auto found = find(table, word);
    if (!found) return std::nullopt;
    return static_cast<Module>(*found);
}

std::optional<std::uint64_t> find_access(std::string_view word) {
    for (std::uint64_t i = 0; i < 16; ++i)
        if (output::word(static_cast<AccessKind>(i)) == word) return i;
    return std::nullopt;
}

std::optional<std::uint64_t> find_page_flag(std::string_view word) {
    static const Table table = table_of(
        64, [](std::uint64_t i) { return output::page_flag_name(static_cast<std::uint32_t>(i)); });
    return find(table, word);
}

std::optional<std::uint64_t> find_process_state(std::string_view word) {
    for (std::uint64_t i = 0; i < 8; ++i)
        if (output::word(static_cast<kernel::ProcessState>(i)) == word) return i;
    return std::nullopt;
}

std::optional<std::uint64_t> find_signal(std::string_view word) {
    for (int i = 1; i <= 64; ++i)
        if (output::signal_name(i) == word) return static_cast<std::uint64_t>(i);
    if (const auto number = whole(word); number && *number >= 0 && *number <= 255)
        return static_cast<std::uint64_t>(*number);
    return std::nullopt;
}

std::optional<std::uint64_t> find_signal_code(std::uint64_t signo, std::string_view word) {
    for (int i = -8; i <= 0x80; ++i)
        if (output::signal_code_name(static_cast<int>(signo), i) == word)
            return static_cast<std::uint64_t>(static_cast<std::int64_t>(i));
    if (const auto number = whole(word)) return static_cast<std::uint64_t>(*number);
    return std::nullopt;
}

std::optional<std::uint64_t> find_cache_mode(std::string_view word) {
    for (std::uint64_t i = 0; i < 9; ++i)
        if (output::cache_mode_name(i) == word) return i;
    return std::nullopt;
}

std::optional<std::uint64_t> find_hex(std::string_view text) {
    if (!text.starts_with("0x") || text.size() < 3) return std::nullopt;
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data() + 2, text.data() + text.size(), value, 16);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return value;
}

}  // namespace mcemu::report
