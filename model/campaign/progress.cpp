#include "campaign/progress.hpp"

#include <cmath>
#include <cstdio>
#include <iostream>

namespace mcemu::campaign {
namespace {

std::string grouped(std::uint64_t n) {
    const std::string digits = std::to_string(n);
    std::string out;
    for (std::size_t i = 0; i < digits.size(); ++i) {
        if (i > 0 && (digits.size() - i) % 3 == 0) out += ',';
        out += digits[i];
    }
    return out;
}

std::string span(double seconds) {
    const auto s = static_cast<std::uint64_t>(std::ceil(seconds));
    char text[48];
    if (s < 60)
        std::snprintf(text, sizeof text, "%llu s", static_cast<unsigned long long>(s));
    else if (s < 3600)
        std::snprintf(text, sizeof text, "%llu:%02llu min", static_cast<unsigned long long>(s / 60),
                      static_cast<unsigned long long>(s % 60));
    else
        std::snprintf(text, sizeof text, "%llu:%02llu h", static_cast<unsigned long long>(s / 3600),
                      static_cast<unsigned long long>(s / 60 % 60));
    return text;
}

}  // namespace

Progress::Progress(bool shown, std::uint64_t done) : shown_(shown), begun_(done) {}
Progress::~Progress() { clear(); }

std::string Progress::text(std::uint64_t begun, std::uint64_t done, std::uint64_t planned,
                           double seconds) {
    std::string out = grouped(done) + " of " + grouped(planned) + " runs";
    if (planned > 0)
        out += ", " + std::to_string(static_cast<std::uint64_t>(
                          static_cast<double>(done) / static_cast<double>(planned) * 100)) + " %";
    if (done <= begun || !(seconds > 0)) return out;
    const double rate = static_cast<double>(done - begun) / seconds;
    char text[32];
    std::snprintf(text, sizeof text, rate < 10 ? "%.1f" : "%.0f", rate);
    out += ", " + (rate < 10 ? std::string(text) : grouped(static_cast<std::uint64_t>(rate))) + "/s";
    if (done < planned) out += ", " + span(static_cast<double>(planned - done) / rate) + " left";
    return out;
}

void Progress::update(std::uint64_t done, std::uint64_t planned) {
    if (!shown_) return;
    const Clock::time_point now = Clock::now();
    if (visible_ && now - drawn_ < std::chrono::milliseconds(200)) return;
    drawn_ = now;
    visible_ = true;
    std::cerr << "\r\033[K"
              << text(begun_, done, planned, std::chrono::duration<double>(now - start_).count())
              << std::flush;
}

void Progress::clear() {
    if (visible_) std::cerr << "\r\033[K" << std::flush;
    visible_ = false;
}

}  // namespace mcemu::campaign
