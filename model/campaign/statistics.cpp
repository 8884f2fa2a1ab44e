#include "campaign/statistics.hpp"

#include <algorithm>
#include <boost/math/distributions/binomial.hpp>
#include <cmath>

namespace mcemu::campaign {

using Binomial = boost::math::binomial_distribution<>;

Interval clopper_pearson(std::uint64_t hits, std::uint64_t trials, double confidence) {
    if (trials == 0) return {};
    const double tail = (1 - confidence) / 2;
    const auto n = static_cast<double>(trials), k = static_cast<double>(hits);
    return {hits == 0 ? 0 : Binomial::find_lower_bound_on_p(n, k, tail),
            hits == trials ? 1 : Binomial::find_upper_bound_on_p(n, k, tail)};
}

std::pair<std::uint64_t, std::uint64_t> quantile_ranks(std::uint64_t n, double q, double confidence) {
    // X(r) <= quantile when at least r of n lie below: B ~ binomial(n, q).
    // Lower rank: the largest r with P(B < r) <= tail; upper: the smallest s with P(B >= s) <= tail.
    const double tail = (1 - confidence) / 2;
    const Binomial below(static_cast<double>(n), q);
    std::uint64_t low = 0, high = n + 1;
    {
        std::uint64_t a = 0, b = n;  // P(B < a) <= tail holds; find the last
        while (a < b) {
            const std::uint64_t mid = b - (b - a) / 2;
            if (boost::math::cdf(below, static_cast<double>(mid - 1)) <= tail)
                a = mid;
            else
                b = mid - 1;
        }
        low = a;
    }
    {
        std::uint64_t a = 1, b = n + 1;  // the first s with P(B >= s) <= tail; P(B >= n + 1) = 0
        while (a < b) {
            const std::uint64_t mid = a + (b - a) / 2;
            if (boost::math::cdf(boost::math::complement(below, static_cast<double>(mid - 1))) <= tail)
                b = mid;
            else
                a = mid + 1;
        }
        high = a;
    }
    return {low, high};
}

Quantile quantile(std::span<const std::uint64_t> sorted, double share, double confidence) {
    Quantile out;
    out.share = share;
    const std::uint64_t n = sorted.size();
    // The smallest rank r with r / n >= share; a share such as 0.9 is not exact in binary.
    const double exact = share * static_cast<double>(n);
    auto rank = static_cast<std::uint64_t>(std::ceil(exact * (1 - 1e-12)));
    rank = std::clamp<std::uint64_t>(rank, 1, n);
    out.value = sorted[rank - 1];
    const auto [low, high] = quantile_ranks(n, share, confidence);
    if (low >= 1) out.low = sorted[low - 1];
    if (high <= n) out.high = sorted[high - 1];
    return out;
}

void CorrelationRatio::add(std::size_t group, double x) {
    if (count_ == 0) origin_ = x;
    x -= origin_;
    ++count_;
    sum_ += x;
    squares_ += x * x;
    ++groups_[group].n;
    groups_[group].sum += x;
}

double CorrelationRatio::value() const {
    if (count_ < 2) return 0;
    const auto n = static_cast<double>(count_);
    const double total = squares_ - sum_ * sum_ / n;
    if (!(total > 1e-12 * squares_)) return 0;
    double between = -sum_ * sum_ / n, used = 0;
    for (const Group& g : groups_) {
        if (g.n == 0) continue;
        between += g.sum * g.sum / static_cast<double>(g.n);
        ++used;
    }
    if (n <= used) return 0;  // a group per value explains everything and says nothing
    const double within = std::max(0.0, total - between) / (n - used);
    return std::clamp((between - (used - 1) * within) / (total + within), 0.0, 1.0);
}

std::optional<double> CorrelationRatio::mean(std::size_t group) const {
    const Group& g = groups_[group];
    if (g.n == 0) return std::nullopt;
    return origin_ + g.sum / static_cast<double>(g.n);
}

}  // namespace mcemu::campaign
