#pragma once  // A stream whose first bytes were read to see what it is.
#include <array>
#include <istream>
#include <streambuf>
#include <string>

namespace mcemu::report {

class PrefixedBuffer : public std::streambuf {
public:
    /// First `prefix`, then what is left of `rest`, which outlives this.
    PrefixedBuffer(std::string prefix, std::istream& rest) : prefix_(std::move(prefix)), rest_(rest) {
        setg(prefix_.data(), prefix_.data(), prefix_.data() + prefix_.size());
    }

protected:
    int_type underflow() override {
        rest_.read(block_.data(), static_cast<std::streamsize>(block_.size()));
        if (rest_.gcount() == 0) return traits_type::eof();
        setg(block_.data(), block_.data(), block_.data() + rest_.gcount());
        return traits_type::to_int_type(*gptr());
    }

private:
    std::string prefix_;
    std::istream& rest_;
    std::array<char, 64 * 1024> block_;
};

}  // namespace mcemu::report
