/**
 * Gaussian error linear unit, exact and with the tanh approximation.
 * @module
 */
import { builtInActivation, type ElementwiseActivation } from "./activation.ts";
import { erfc, SPECIAL_FUNCTIONS } from "./special_functions.ts";

/** Φ(x), the cumulative distribution function of the standard normal distribution. */
const normalShare = (x: number) => erfc(-x * Math.SQRT1_2) / 2;
/** φ(x), the density of the standard normal distribution. */
const normalDensity = (x: number) => Math.exp(-x * x / 2) / Math.sqrt(2 * Math.PI);

/**
 * f(x) = x·Φ(x) = x/2·(1 + erf(x/√2)), with values in [−0.1700, ∞), smooth; its minimum is at x = −0.7518.
 * PyTorch: `nn.GELU()`. The tail Φ(−|x|) is computed directly: 1 + erf(x/√2) cancels in float32 below x = −6.
 *
 * Source: Hendrycks and Gimpel, Gaussian Error Linear Units (2016), section 2.
 */
export const gelu: ElementwiseActivation = builtInActivation("gelu", {
  name: "GELU",
  forward: "x * normal_share(x)",
  derivative: "normal_share(x) + x * normal_density(x)",
  functions: `${SPECIAL_FUNCTIONS}
fn normal_share(x: f32) -> f32 {
  let tail = normal_tail(abs(x));
  return select(tail, 1.0 - tail, x > 0.0);
}
fn normal_density(x: f32) -> f32 {
  let s = select(abs(x), 15.0, abs(x) > 15.0);
  return 0.39894228 * exp(-0.5 * s * s);
}`,
  reference: {
    forward: (x) => x * normalShare(x),
    derivative: (x) => normalShare(x) + x * normalDensity(x),
  },
});

/** u'(x) of u = √(2/π)·(x + 0.044715·x³). */
const innerSlope = (x: number) => Math.sqrt(2 / Math.PI) * (1 + 3 * 0.044715 * x * x);

/** σ(2u) = ½·(1 + tanh u). */
const gate = (x: number) => 1 / (1 + Math.exp(-2 * Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));

/**
 * f(x) = x/2·(1 + tanh(√(2/π)·(x + 0.044715·x³))), within 0.0005 of {@link gelu}; computed as x·σ(2u),
 * because 1 + tanh u cancels completely for u below −9. PyTorch: `nn.GELU(approximate="tanh")`.
 *
 * Source: Hendrycks and Gimpel, Gaussian Error Linear Units (2016), section 2.
 */
export const geluTanh: ElementwiseActivation = builtInActivation("gelu-tanh", {
  name: "GELU tanh",
  forward: "x * logistic(twice_u(x))",
  derivative: "logistic(twice_u(x)) * (1.0 + near(x) * logistic(-twice_u(x)) * twice_u_slope(x))",
  functions: `${SPECIAL_FUNCTIONS}
/// x limited to ±12 against overflow: beyond, e^-2u is 0 in float32 anyway. clamp() may drop NaN.
fn near(x: f32) -> f32 {
  return select(select(x, 12.0, x > 12.0), -12.0, x < -12.0);
}
fn twice_u(x: f32) -> f32 {
  let s = near(x);
  return 1.5957691 * s * (1.0 + 0.044715 * s * s);
}
fn twice_u_slope(x: f32) -> f32 {
  let s = near(x);
  return 1.5957691 * (1.0 + 0.134145 * s * s);
}`,
  reference: {
    forward: (x) => x * gate(x),
    derivative: (x) => gate(x) + x * gate(x) * gate(-x) * 2 * innerSlope(x),
  },
});
