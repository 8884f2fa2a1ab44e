#include "campaign/record.hpp"

#include <cstring>
#include <stdexcept>

namespace mcemu::campaign {
namespace {

constexpr std::uint32_t kMostBytes = 64u << 20;  // a run keeps some hundred

template <class T>
void put(std::string& out, T value) {
    static_assert(std::is_trivially_copyable_v<T>);
    out.append(reinterpret_cast<const char*>(&value), sizeof value);
}
void put_text(std::string& out, const std::string& text) {
    put(out, static_cast<std::uint32_t>(text.size()));
    out += text;
}

class Taker {
public:
    explicit Taker(std::string_view bytes) : bytes_(bytes) {}
    template <class T>
    T take() {
        static_assert(std::is_trivially_copyable_v<T>);
        T value;
        need(sizeof value);
        std::memcpy(&value, bytes_.data(), sizeof value);
        bytes_.remove_prefix(sizeof value);
        return value;
    }
    std::string text() {
        const auto size = take<std::uint32_t>();
        need(size);
        std::string out(bytes_.substr(0, size));
        bytes_.remove_prefix(size);
        return out;
    }
    bool empty() const { return bytes_.empty(); }

private:
    void need(std::size_t size) const {
        if (bytes_.size() < size) throw std::runtime_error("a worker sent a record that ends too early");
    }
    std::string_view bytes_;
};

}  // namespace

void encode(const RunRecord& record, std::string& out) {
    const std::size_t begin = out.size();
    put(out, std::uint32_t{0});
    put(out, record.id.cell);
    put(out, record.id.rep);
    put(out, record.seed);
    put_text(out, record.of_class);
    put(out, record.user_class);
    put_text(out, record.failure);
    put(out, record.end_ps);
    const output::Exposure& e = record.exposure;
    put(out, e.pages);
    for (const SimTime t : {e.user, e.direct_map, e.speculation}) put(out, t.count());
    for (const bool open : {e.user_open, e.direct_map_open, e.speculation_open}) put(out, open);
    put(out, e.accesses);
    put(out, e.speculative);
    put(out, static_cast<std::uint32_t>(record.durations.size()));
    for (const auto& d : record.durations) {
        put(out, d.has_value());
        if (!d) continue;
        put(out, d->ps);
        put(out, static_cast<std::uint32_t>(d->phases.size()));
        for (const auto& [phase, ps] : d->phases) {
            put(out, phase);
            put(out, ps);
        }
    }
    put(out, static_cast<std::uint32_t>(record.numbers.size()));
    for (const auto& n : record.numbers) {
        put(out, n.has_value());
        put(out, n.value_or(0));
    }
    const auto size = static_cast<std::uint32_t>(out.size() - begin - sizeof(std::uint32_t));
    std::memcpy(out.data() + begin, &size, sizeof size);
}

std::optional<RunRecord> decode(std::string_view& bytes) {
    std::uint32_t size = 0;
    if (bytes.size() < sizeof size) return std::nullopt;
    std::memcpy(&size, bytes.data(), sizeof size);
    if (size > kMostBytes) throw std::runtime_error("a worker sent something that is no record");
    if (bytes.size() - sizeof size < size) return std::nullopt;
    Taker in(bytes.substr(sizeof size, size));
    RunRecord r;
    r.id.cell = in.take<std::uint64_t>();
    r.id.rep = in.take<std::uint64_t>();
    r.seed = in.take<std::uint64_t>();
    r.of_class = in.text();
    r.user_class = in.take<int>();
    r.failure = in.text();
    r.end_ps = in.take<std::uint64_t>();
    output::Exposure& e = r.exposure;
    e.pages = in.take<std::uint32_t>();
    for (SimTime* t : {&e.user, &e.direct_map, &e.speculation}) *t = SimTime{in.take<std::uint64_t>()};
    for (bool* open : {&e.user_open, &e.direct_map_open, &e.speculation_open}) *open = in.take<bool>();
    e.accesses = in.take<std::uint64_t>();
    e.speculative = in.take<std::uint64_t>();
    r.durations.resize(in.take<std::uint32_t>());
    for (auto& d : r.durations) {
        if (!in.take<bool>()) continue;
        d.emplace();
        d->ps = in.take<std::uint64_t>();
        d->phases.resize(in.take<std::uint32_t>());
        for (auto& [phase, ps] : d->phases) {
            phase = in.take<std::uint16_t>();
            ps = in.take<std::uint64_t>();
        }
    }
    r.numbers.resize(in.take<std::uint32_t>());
    for (auto& n : r.numbers) {
        const bool there = in.take<bool>();
        const double value = in.take<double>();
        if (there) n = value;
    }
    if (!in.empty()) throw std::runtime_error("a worker sent a record that ends too late");
    bytes.remove_prefix(sizeof size + size);
    return r;
}

}  // namespace mcemu::campaign
