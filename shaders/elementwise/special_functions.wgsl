// Functions that WGSL lacks, right to float32's rounding also where WGSL's own lose their digits. Users' elementwise
// ops take them as `functions`. Errors are relative and measured on Mesa's llvmpipe; a device's own exp adds its own.
//
// Source     expm1, erf: Taylor and Maclaurin series (Abramowitz and Stegun 4.2.1, 7.1.6); log1p: 2·artanh (4.6.22);
//            normal_tail: the form of Shepherd and Laframboise (1981), with coefficients fitted for this file

/// 1 / (1 + e^-x). Nothing overflows: the exponential is at most 1.
fn logistic(x: f32) -> f32 {
  let e = exp(-abs(x));
  return select(e, 1.0, x >= 0.0) / (1.0 + e);
}

/// e^x - 1 for x ≤ 0, to 4e-7: its series near 0, where the difference would lose its digits. NaN for NaN.
fn expm1(x: f32) -> f32 {
  let series = x * (1.0 + x * (1.0 / 2.0 + x * (1.0 / 6.0 + x * (1.0 / 24.0 + x * (1.0 / 120.0 + x * (1.0 / 720.0 +
    x * (1.0 / 5040.0 + x * (1.0 / 40320.0))))))));
  return select(exp(x) - 1.0, series, abs(x) <= 0.5);
}

/// log(1 + e) for e in [0, 1], to 3e-7: 2·artanh(u) with u = e/(2+e), |u| ≤ 1/3; what is left out is below 2e-8 of it.
fn log1p(e: f32) -> f32 {
  let u = e / (2.0 + e);
  let q = u * u;
  return 2.0 * u * (1.0 + q * (1.0 / 3.0 + q * (1.0 / 5.0 + q * (1.0 / 7.0 + q * (1.0 / 9.0 + q * (1.0 / 11.0 +
    q * (1.0 / 13.0)))))));
}

/// Φ(-t) for t ≥ 0, the share of a normal distribution beyond t deviations, to 3e-7 up to t = 2 and 2e-5 at t = 13,
/// where float32 ends: e^(-t²/2) takes part in its argument's rounding. The rest, e^(t²/2)·Φ(-t)·(1 + 1.6·t), is a
/// polynomial in (t-3.5)/(t+3.5), fitted on [0, 15] to 3e-8. Beyond 15 it is 0.
fn normal_tail(t: f32) -> f32 {
  let s = min(t, 15.0);
  let q = (s - 3.5) / (s + 3.5);
  let p = 0.70187801 + q * (-0.044056384 + q * (-0.074253144 + q * (0.097862328 + q * (-0.059862450 + q * (0.017523569 +
    q * (0.0013049793 + q * (-0.0024317138 + q * (7.3699361e-5 + q * 0.00024329881))))))));
  return exp(-0.5 * s * s) * p / (1.0 + 1.6 * s);
}

/// erf(x) = 2·Φ(√2·x) - 1, to 5e-7: its series near 0. NaN becomes ±1: multiply by x, as GELU does, to keep it.
fn erf(x: f32) -> f32 {
  let q = x * x;
  let series = 1.1283792 * x * (1.0 - q * (1.0 / 3.0 - q * (1.0 / 10.0 - q * (1.0 / 42.0 - q * (1.0 / 216.0 -
    q * (1.0 / 1320.0 - q * (1.0 / 9360.0)))))));
  return select(sign(x) * (1.0 - 2.0 * normal_tail(1.4142136 * abs(x))), series, abs(x) <= 0.5);
}
