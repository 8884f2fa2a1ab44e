#pragma once  // A distribution of durations: exact while small, of bounded memory when large.
#include <cstdint>
#include <utility>
#include <vector>

namespace mcemu::report {

/// Durations in picoseconds. The first `kExact` samples are kept as they are; beyond that they are
/// counted in buckets of at most 1/128 of their value. Count, extremes and mean stay exact.
class Samples {
public:
    static constexpr std::size_t kExact = 65536;

    void add(std::uint64_t ps, std::uint64_t times = 1);

    void merge(const Samples& other);

    std::uint64_t count() const { return count_; }
    std::uint64_t min() const { return count_ ? min_ : 0; }
    std::uint64_t max() const { return max_; }
    /// In picoseconds; 0 without samples.
    double mean() const;
    double standard_deviation() const;
    /// Whether quantile() is exact.
    bool exact() const { return buckets_.empty(); }
    /// Nearest rank: the smallest sample that at least share `q` of all do not exceed. In buckets:
    /// their upper end, no more than max(). 0 without samples.
    std::uint64_t quantile(double q) const;
    /// Points (value, share of samples <= value), rising, no more than `most`, the last one (max, 1).
    std::vector<std::pair<std::uint64_t, double>> cdf(std::size_t most) const;

private:
    void sort() const;
    void to_buckets();
    /// Calls f(value, times) in rising order until it returns false.
    template <class F>
    void each(F f) const;

    std::uint64_t count_ = 0, min_ = ~std::uint64_t{0}, max_ = 0, shift_ = 0;
    double sum_ = 0, squares_ = 0;  // of the distances to the first sample
    mutable std::vector<std::pair<std::uint64_t, std::uint64_t>> values_;  // (value, times)
    mutable bool sorted_ = true;
    std::vector<std::uint64_t> buckets_;
};

}  // namespace mcemu::report
