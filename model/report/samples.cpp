#include "report/samples.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace mcemu::report {
namespace {

constexpr unsigned kBits = 7;  // 2^7 buckets per octave

std::size_t bucket_of(std::uint64_t v) {
    if (v < (1u << kBits)) return v;
    const auto exponent = static_cast<unsigned>(std::bit_width(v)) - 1 - kBits;
    return ((exponent + 1ull) << kBits) + ((v >> exponent) - (1u << kBits));
}
/// The largest value of a bucket.
std::uint64_t upper_end(std::size_t bucket) {
    const std::uint64_t octave = bucket >> kBits, place = bucket & ((1u << kBits) - 1);
    if (octave == 0) return place;
    return (((1ull << kBits) + place + 1) << (octave - 1)) - 1;
}

}  // namespace

template <class F>
void Samples::each(F f) const {
    if (buckets_.empty()) {
        sort();
        for (const auto& [value, times] : values_)
            if (!f(value, times)) return;
        return;
    }
    for (std::size_t i = 0; i < buckets_.size(); ++i)
        if (buckets_[i] && !f(std::clamp(upper_end(i), min_, max_), buckets_[i])) return;
}

void Samples::add(std::uint64_t ps, std::uint64_t times) {
    if (times == 0) return;
    if (count_ == 0) shift_ = ps;
    const double distance = ps >= shift_ ? static_cast<double>(ps - shift_)
                                         : -static_cast<double>(shift_ - ps);
    const auto weight = static_cast<double>(times);
    sum_ += distance * weight;
    squares_ += distance * distance * weight;
    count_ += times;
    min_ = std::min(min_, ps);
    max_ = std::max(max_, ps);
    if (!buckets_.empty()) {
        buckets_[bucket_of(ps)] += times;
        return;
    }
    if (!values_.empty() && values_.back().first == ps) {
        values_.back().second += times;
        return;
    }
    sorted_ = sorted_ && (values_.empty() || values_.back().first < ps);
    values_.emplace_back(ps, times);
    if (values_.size() > kExact) {
        sort();  // many samples of few values need no buckets
        if (values_.size() > kExact / 2) to_buckets();
    }
}

void Samples::sort() const {
    if (sorted_) return;
    std::sort(values_.begin(), values_.end());
    std::size_t out = 0;
    for (std::size_t i = 1; i < values_.size(); ++i) {
        if (values_[i].first == values_[out].first)
            values_[out].second += values_[i].second;
        else
            values_[++out] = values_[i];
    }
    values_.resize(out + 1);
    sorted_ = true;
}

void Samples::to_buckets() {
    buckets_.resize(std::size_t{66 - kBits} << kBits);
    for (const auto& [value, times] : values_) buckets_[bucket_of(value)] += times;
    values_ = {};
}

void Samples::merge(const Samples& other) {
    if (other.count_ == 0) return;
    const std::uint64_t least = std::min(min_, other.min_), most = std::max(max_, other.max_);
    other.each([&](std::uint64_t value, std::uint64_t times) {
        add(value, times);
        return true;
    });
    min_ = least;
    max_ = most;
}

double Samples::mean() const {
    return count_ ? static_cast<double>(shift_) + sum_ / static_cast<double>(count_) : 0;
}

double Samples::standard_deviation() const {
    if (count_ < 2) return 0;
    const auto n = static_cast<double>(count_);
    return std::sqrt(std::max(0.0, (squares_ - sum_ * sum_ / n) / (n - 1)));
}

std::uint64_t Samples::quantile(double q) const {
    const double wanted = std::ceil(q * static_cast<double>(count_) - 1e-9);
    const auto rank = std::max<std::uint64_t>(1, static_cast<std::uint64_t>(std::max(wanted, 0.0)));
    std::uint64_t below = 0, found = max_;
    each([&](std::uint64_t value, std::uint64_t times) {
        below += times;
        found = value;
        return below < rank;
    });
    return count_ ? found : 0;
}

std::vector<std::pair<std::uint64_t, double>> Samples::cdf(std::size_t most) const {
    std::vector<std::pair<std::uint64_t, double>> points;
    if (count_ == 0) return points;
    // Points where the share grows by 1/most, and, for the tail, where what is above halves often.
    const auto n = static_cast<double>(count_);
    double next = 0;
    std::uint64_t below = 0;
    each([&](std::uint64_t value, std::uint64_t times) {
        below += times;
        const double share = static_cast<double>(below) / n;
        const bool tail = 1 - share < (1 - next) * 0.9;
        if (below == count_ || share >= next || tail) {
            points.emplace_back(value, share);
            next = share + 1.0 / static_cast<double>(most);
        }
        return true;
    });
    if (points.size() > most) {  // the tail's points have come on top
        std::vector<std::pair<std::uint64_t, double>> fewer;
        for (std::size_t i = 0; i < most; ++i)
            fewer.push_back(points[(points.size() - 1) * i / (most - 1)]);
        points = std::move(fewer);
    }
    return points;
}

}  // namespace mcemu::report
