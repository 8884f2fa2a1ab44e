#include "core/detmath.hpp"

#include <bit>
#include <cmath>  // std::sqrt only: IEEE 754 rounds it exactly
#include <cstdint>
#include <limits>
#include <span>

namespace mcemu::detmath {
namespace {

// ln 2 in two parts: the first has its low 32 bits clear, so that k * kLn2High is exact for
// every exponent k.
constexpr double kLn2High = 0x1.62e42feep-1;
constexpr double kLn2Low = 0x1.a39ef35793c76p-33;
constexpr double kSqrtHalf = 0x1.6a09e667f3bcdp-1;
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// Coefficients from the constant upwards.
double polynomial(std::span<const double> coefficients, double x) {
    double sum = 0;
    for (std::size_t i = coefficients.size(); i-- > 0;) sum = sum * x + coefficients[i];
    return sum;
}

double power_of_two(int k) { return std::bit_cast<double>(static_cast<std::uint64_t>(k + 1023) << 52); }

// Rational approximations of the normal quantile around the median, in the tails and far out.
// Source: M. J. Wichura, Algorithm AS 241, PPND16, Applied Statistics 37 (1988), 477-484.
constexpr double kCentreAbove[] = {
    3.3871328727963666080e0,  1.3314166789178437745e+2, 1.9715909503065514427e+3,
    1.3731693765509461125e+4, 4.5921953931549871457e+4, 6.7265770927008700853e+4,
    3.3430575583588128105e+4, 2.5090809287301226727e+3};
constexpr double kCentreBelow[] = {
    1.0,                      4.2313330701600911252e+1, 6.8718700749205790830e+2,
    5.3941960214247511077e+3, 2.1213794301586595867e+4, 3.9307895800092710610e+4,
    2.8729085735721942674e+4, 5.2264952788528545610e+3};
constexpr double kTailAbove[] = {
    1.42343711074968357734e0, 4.63033784615654529590e0,  5.76949722146069140550e0,
    3.64784832476320460504e0, 1.27045825245236838258e0,  2.41780725177450611770e-1,
    2.27238449892691845833e-2, 7.74545014278341407640e-4};
constexpr double kTailBelow[] = {
    1.0,                       2.05319162663775882187e0,  1.67638483018380384940e0,
    6.89767334985100004550e-1, 1.48103976427480074590e-1, 1.51986665636164571966e-2,
    5.47593808499534494600e-4, 1.05075007164441684324e-9};
constexpr double kFarAbove[] = {
    6.65790464350110377720e0,  5.46378491116411436990e0,  1.78482653991729133580e0,
    2.96560571828504891230e-1, 2.65321895265761230930e-2, 1.24266094738807843860e-3,
    2.71155556874348757815e-5, 2.01033439929228813265e-7};
constexpr double kFarBelow[] = {
    1.0,                       5.99832206555887937690e-1, 1.36929880922735805310e-1,
    1.48753612908506148525e-2, 7.86869131145613259100e-4, 1.84631831751005468180e-5,
    1.42151175831644588870e-7, 2.04426310338993978564e-15};

}  // namespace

double exp(double x) {
    if (x != x) return kNan;
    if (x < -708) return 0;
    if (x > 709) return kInfinity;
    // x = k ln 2 + r, |r| <= ln 2 / 2, and a Taylor series for r.
    const double scaled = x / 0x1.62e42fefa39efp-1;
    const int k = static_cast<int>(scaled + (scaled < 0 ? -0.5 : 0.5));
    const double r = (x - k * kLn2High) - k * kLn2Low;
    double sum = 1;
    for (int n = 16; n >= 1; --n) sum = 1 + sum * r / n;
    return sum * power_of_two(k);
}

double log(double x) {
    if (!(x >= std::numeric_limits<double>::min())) return kNan;
    if (x == kInfinity) return kInfinity;
    // x = 2^k m with m in [sqrt(1/2), sqrt(2)), and log m = 2 artanh((m - 1) / (m + 1)).
    const auto bits = std::bit_cast<std::uint64_t>(x);
    int k = static_cast<int>(bits >> 52) - 1022;
    double m = std::bit_cast<double>((bits & 0xfffffffffffffull) | 0x3fe0000000000000ull);
    if (m < kSqrtHalf) {
        m *= 2;
        --k;
    }
    const double s = (m - 1) / (m + 1), s2 = s * s;
    double sum = 0;
    for (int n = 23; n >= 1; n -= 2) sum = sum * s2 + 1.0 / n;
    return k * kLn2High + (2 * s * sum + k * kLn2Low);
}

double normal_quantile(double p) {
    if (!(p > 0 && p < 1)) return kNan;
    const double q = p - 0.5;
    if (q >= -0.425 && q <= 0.425) {
        const double r = 0.180625 - q * q;
        return q * polynomial(kCentreAbove, r) / polynomial(kCentreBelow, r);
    }
    const double r = std::sqrt(-log(q < 0 ? p : 1 - p));
    const double z = r <= 5 ? polynomial(kTailAbove, r - 1.6) / polynomial(kTailBelow, r - 1.6)
                            : polynomial(kFarAbove, r - 5) / polynomial(kFarBelow, r - 5);
    return q < 0 ? -z : z;
}

}  // namespace mcemu::detmath
