#include "regress/outcome.hpp"

#include <cstring>
#include <type_traits>

namespace mcemu::regress {
namespace {

/// Both directions name the members once, in the same order.
template <class Archive, class O>
void members(Archive& a, O& o) {
    a(o.status);
    a(o.outcome);
    a(o.result_class);
    a(o.profile);
    a(o.seed);
    a(o.end_ns);
    a(o.met);
    a(o.expectations);
    a(o.records);
    a(o.digest.log);
    a(o.digest.result);
    a(o.digest.trace);
    a(o.wrong);
    a(o.divergence);
    a(o.events);
    a(o.edits);
    a(o.no_edit);
    a(o.log_text);
    a(o.result_text);
}

struct Writer {
    std::string out;

    template <class T>
        requires std::is_integral_v<T> || std::is_enum_v<T>
    void operator()(const T& value) {
        out.append(reinterpret_cast<const char*>(&value), sizeof value);
    }
    void operator()(const std::string& text) {
        (*this)(std::uint64_t{text.size()});
        out += text;
    }
    void operator()(const Edit& edit) {
        (*this)(edit.offset);
        (*this)(edit.length);
        (*this)(edit.text);
    }
    template <class T>
    void operator()(const std::vector<T>& list) {
        (*this)(std::uint64_t{list.size()});
        for (const T& item : list) (*this)(item);
    }
};

struct Reader {
    std::string_view in;
    bool good = true;

    bool has(std::uint64_t n) { return good = good && n <= in.size(); }

    template <class T>
        requires std::is_integral_v<T> || std::is_enum_v<T>
    void operator()(T& value) {
        if (!has(sizeof value)) return;
        std::memcpy(&value, in.data(), sizeof value);
        in.remove_prefix(sizeof value);
    }
    void operator()(std::string& text) {
        std::uint64_t size = 0;
        (*this)(size);
        if (!has(size)) return;
        text = in.substr(0, size);
        in.remove_prefix(size);
    }
    void operator()(Edit& edit) {
        (*this)(edit.offset);
        (*this)(edit.length);
        (*this)(edit.text);
    }
    template <class T>
    void operator()(std::vector<T>& list) {
        std::uint64_t size = 0;
        (*this)(size);
        if (!has(size)) return;  // each item has a byte at least
        for (std::uint64_t i = 0; i < size && good; ++i) {
            list.emplace_back();
            (*this)(list.back());
        }
    }
};

constexpr std::uint64_t kPolynomial = 0xC96C5795D7870F42;  // ECMA-182, reflected

std::array<std::uint64_t, 256> make_table() {
    std::array<std::uint64_t, 256> table{};
    for (std::uint64_t i = 0; i < table.size(); ++i) {
        std::uint64_t crc = i;
        for (int bit = 0; bit < 8; ++bit) crc = (crc & 1) ? (crc >> 1) ^ kPolynomial : crc >> 1;
        table[i] = crc;
    }
    return table;
}
const std::array<std::uint64_t, 256> kTable = make_table();

}  // namespace

std::string_view word(Status status) {
    switch (status) {
        case Status::ok: return "ok";
        case Status::failed: return "failed";
        case Status::differs: return "differs";
        case Status::timed_out: return "time limit";
        case Status::crashed: return "crashed";
        case Status::broken: return "broken";
        case Status::invalid: return "invalid";
    }
    return "?";
}

std::string to_bytes(const Outcome& outcome) {
    Writer writer;
    members(writer, outcome);
    return std::move(writer.out);
}

std::optional<Outcome> from_bytes(std::string_view bytes) {
    Outcome outcome;
    Reader reader{bytes};
    members(reader, outcome);
    if (!reader.good || !reader.in.empty()) return std::nullopt;
    if (static_cast<std::size_t>(outcome.status) >= kStatusCount) return std::nullopt;
    return outcome;
}

Crc64::Crc64() : crc_(~std::uint64_t{0}) {}

void Crc64::add(std::string_view bytes) {
    for (const char c : bytes)
        crc_ = kTable[(crc_ ^ static_cast<unsigned char>(c)) & 0xff] ^ (crc_ >> 8);
}

}  // namespace mcemu::regress
