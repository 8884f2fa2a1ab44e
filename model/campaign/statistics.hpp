#pragma once  // What a sample says about what it was drawn from.
#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace mcemu::campaign {

struct Interval {
    double low = 0, high = 1;
    double half() const { return (high - low) / 2; }
};

/// Clopper-Pearson: holds the true share with at least `confidence`, whatever it is. With no trials
/// everything is possible: [0, 1].
/// Source: Clopper, Pearson, "The use of confidence or fiducial limits ...", Biometrika 26, 1934.
Interval clopper_pearson(std::uint64_t hits, std::uint64_t trials, double confidence);

/// Ranks (from 1) of the order statistics of a sample of `n` between which the quantile `q` of a
/// continuous distribution lies with at least `confidence`; 0: no lower, n + 1: no upper one.
/// Source: David, Nagaraja, "Order Statistics", 3rd edition, 7.1.
std::pair<std::uint64_t, std::uint64_t> quantile_ranks(std::uint64_t n, double q, double confidence);

/// A quantile of a sample with its interval.
struct Quantile {
    double share = 0;
    std::uint64_t value = 0;                  ///< the smallest that at least that share reach
    std::optional<std::uint64_t> low, high;   ///< nullopt: the sample is too small to say
};
/// `sorted` rises and is not empty.
Quantile quantile(std::span<const std::uint64_t> sorted, double share, double confidence);

/// Share of an output's variance that the groups explain: between-group over total sum of squares,
/// less what groups without any influence show on average (omega squared); 0 when the output is
/// constant.
class CorrelationRatio {
public:
    explicit CorrelationRatio(std::size_t groups) : groups_(groups) {}
    void add(std::size_t group, double x);
    double value() const;
    /// Mean of a group; nullopt when it is empty.
    std::optional<double> mean(std::size_t group) const;
    std::uint64_t count() const { return count_; }

private:
    struct Group {
        std::uint64_t n = 0;
        double sum = 0;
    };
    std::vector<Group> groups_;
    std::uint64_t count_ = 0;
    double sum_ = 0, squares_ = 0, origin_ = 0;  // about the first value: no cancellation
};

}  // namespace mcemu::campaign
