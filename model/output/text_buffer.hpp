#pragma once  // Numbers and words on their way to whoever takes bytes, without allocation.
#include <array>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <functional>
#include <string_view>
#include <utility>

#include "output/atomic_file.hpp"

namespace mcemu::output {

/// Takes bytes, some 64 KiB at a time.
using ByteSink = std::function<void(std::string_view)>;

/// Characters on their way to a file or a sink: a few instructions per value, no allocation.
class TextBuffer {
public:
    explicit TextBuffer(AtomicFile& file) : to_([&file](std::string_view b) { file.write(b); }) {}
    explicit TextBuffer(ByteSink to) : to_(std::move(to)) {}

    TextBuffer(const TextBuffer&) = delete;
    TextBuffer& operator=(const TextBuffer&) = delete;

    void put(std::string_view text) {
        if (text.size() > room()) flush();
        if (text.size() > room()) return to_(text);
        std::memcpy(end_, text.data(), text.size());
        end_ += text.size();
    }
    void put(char c) {
        reserve(1);
        *end_++ = c;
    }
    void dec(std::uint64_t value) {
        reserve(20);
        end_ = std::to_chars(end_, end_ + 20, value).ptr;
    }
    void signed_dec(std::int64_t value) {
        reserve(20);
        end_ = std::to_chars(end_, end_ + 20, value).ptr;
    }
    void hex(std::uint64_t value) {
        put("\"0x");
        reserve(17);
        end_ = std::to_chars(end_, end_ + 16, value, 16).ptr;
        *end_++ = '"';
    }
    void quoted(std::string_view word) {
        put('"');
        put(word);
        put('"');
    }
    void flush() {
        to_({buffer_.data(), static_cast<std::size_t>(end_ - buffer_.data())});
        end_ = buffer_.data();
    }

private:
    std::size_t room() const {
        return static_cast<std::size_t>(buffer_.data() + buffer_.size() - end_);
    }
    void reserve(std::size_t bytes) {
        if (room() < bytes) flush();
    }

    const ByteSink to_;
    std::array<char, 64 * 1024> buffer_;
    char* end_ = buffer_.data();
};

}  // namespace mcemu::output
