import assert from "node:assert/strict";
import { classColor } from "../../src/report/colors.ts";
import { CLASS_COLORS, DARK_CLASS_COLORS } from "../../src/report/page/client/colors.ts";

/** What a person without one kind of cone sees of linear RGB (Machado, Oliveira and Fernandes 2009, severity 1). */
const VISIONS: Record<string, number[][]> = {
  "all cones": [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
  "no red cones": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [
    -0.003882,
    -0.048116,
    1.051998,
  ]],
  "no green cones": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [
    -0.01182,
    0.04294,
    0.968881,
  ]],
  "no blue cones": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [
    0.004733,
    0.691367,
    0.3039,
  ]],
};

function linear(hex: string): number[] {
  return [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16) / 255).map((v) =>
    v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4
  );
}

/** CIE Lab of linear RGB, D65. */
function lab(rgb: readonly number[]): number[] {
  const [x, y, z] = [
    [0.4124564, 0.3575761, 0.1804375, 0.95047],
    [0.2126729, 0.7151522, 0.072175, 1],
    [0.0193339, 0.119192, 0.9503041, 1.08883],
  ].map(([r, g, b, white]) => (r * rgb[0] + g * rgb[1] + b * rgb[2]) / white)
    .map((t) => t > 0.008856 ? Math.cbrt(t) : 7.787 * t + 16 / 116);
  return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
}

Deno.test.each(Object.entries(VISIONS))("class colors can be told apart with %s", (_vision, matrix) => {
  for (const colors of [CLASS_COLORS, DARK_CLASS_COLORS]) {
    const seen = colors.map((hex) => {
      const rgb = linear(hex);
      return lab(
        matrix.map((row) => Math.min(1, Math.max(0, row.reduce((sum, m, k) => sum + m * rgb[k], 0)))),
      );
    });
    seen.forEach((a, i) =>
      seen.slice(0, i).forEach((b, j) => {
        const distance = Math.hypot(...a.map((value, k) => value - b[k]));
        assert.ok(distance >= 22, `${colors[i]} and ${colors[j]} are ${distance.toFixed(1)} apart`);
      })
    );
  }
});

Deno.test("class colors on dark pages stand out at 3 to 1", () => {
  const luminance = (hex: string) => {
    const [r, g, b] = linear(hex);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  for (const hex of DARK_CLASS_COLORS) {
    const contrast = (luminance(hex) + 0.05) / (luminance("#1b1e21") + 0.05);
    assert.ok(contrast >= 3, `${hex} has ${contrast.toFixed(2)}`);
  }
});

Deno.test("class colors stand out from white and from black, and begin again after ten", () => {
  for (const hex of CLASS_COLORS) {
    const [lightness] = lab(linear(hex));
    assert.ok(lightness > 35 && lightness < 80, `${hex} has lightness ${lightness}`);
  }
  assert.deepEqual(classColor(13), classColor(3));
});
