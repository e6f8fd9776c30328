/**
 * Formatting of numbers.
 * @module
 */

/** Formats a number: four significant digits, thousands separators, exponents for very small and large numbers. */
export function readable(value: number | null | undefined, digits = 4) {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  if (value === 0 || !Number.isFinite(value)) return `${value}`.replace("-", "−");
  const size = Math.abs(value);
  if (size < 1e-4 || size >= 1e9) return value.toExponential(digits - 2).replaceAll("-", "−");
  if (Number.isInteger(value)) return value.toLocaleString("en-GB").replace("-", "−");
  const after = Math.max(0, digits - 1 - Math.floor(Math.log10(size)));
  return value.toLocaleString("en-GB", {
    minimumFractionDigits: Math.min(after, 6),
    maximumFractionDigits: after,
  })
    .replace("-", "−");
}

/** Formats a tick label, without trailing zeros. */
export function tick(value: number) {
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-4 || size >= 1e9)) return value.toExponential().replaceAll("-", "−");
  return value.toLocaleString("en-GB", { maximumSignificantDigits: 6 }).replace("-", "−");
}

/** Formats a count with its noun: `1 image`, `2,000 images`. */
export function counted(count: number, noun: string) {
  return `${readable(count)} ${noun}${count === 1 ? "" : "s"}`;
}
