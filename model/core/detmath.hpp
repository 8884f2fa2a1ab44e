#pragma once  // exp, log and the normal quantile with the same bits on every machine.

namespace mcemu::detmath {

// Built from IEEE 754 + - * / and square root alone, each of which is rounded exactly: no C
// library whose next release rounds differently, no fused multiply-add (the build forbids
// contraction). Relative error below 1e-14 in the ranges that durations need.

/// e^x. 0 below -708, infinity above 709.
double exp(double x);
/// Natural logarithm of x > 0 (normal numbers); NaN otherwise.
double log(double x);
/// The z with P(Z <= z) = p of a standard normal Z, for 0 < p < 1; NaN otherwise.
double normal_quantile(double p);

}  // namespace mcemu::detmath
