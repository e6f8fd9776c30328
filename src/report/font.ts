/**
 * Letters for pictures that are made without a browser: 5 × 7 dots each, with one more row for tails, whose neighbours
 * are joined by strokes.
 * @module
 */

/** Dots of a letter above its baseline, and from one letter to the next. */
export const LETTER = { height: 7, advance: 6 } as const;
/** Rows of dots, with the tails. */
const ROWS = 8;

const FIRST = 32; // the space
const UNKNOWN = "?";

/** From the space to the tilde, ten digits each: five columns from left to right, whose lowest bits are on top. */
const GLYPHS = [
  "0000000000 00005f0000 0007000700 147f147f14 242a7f2a12 2313086462 3649562050 0000070000", //  !"#$%&'
  "001c224100 0041221c00 14083e0814 08083e0808 0080600000 0808080808 0060600000 2010080402", // ()*+,-./
  "3e5149453e 00427f4000 4261514946 2141454b31 1814127f10 2745454539 3c4a494930 0171090503", // 01234567
  "3649494936 064949291e 0036360000 0056360000 0814224100 1414141414 0041221408 0201510906", // 89:;<=>?
  "324979413e 7e1111117e 7f49494936 3e41414122 7f4141221c 7f49494941 7f09090901 3e4149497a", // @ABCDEFG
  "7f0808087f 00417f4100 2040413f01 7f08142241 7f40404040 7f020c027f 7f0408107f 3e4141413e", // HIJKLMNO
  "7f09090906 3e4151215e 7f09192946 4649494931 01017f0101 3f4040403f 1f2040201f 3f4038403f", // PQRSTUVW
  "6314081463 0708700807 6151494543 007f414100 0204081020 0041417f00 0402010204 4040404040", // XYZ[\]^_
  "0001020400 2054545478 7f48444438 3844444420 384444487f 3854545418 087e090102 18a4a4a47c", // `abcdefg
  "7f08040478 00447d4000 4080847d00 7f10284400 00417f4000 7c04180478 7c08040478 3844444438", // hijklmno
  "fc24242418 18242424fc 7c08040408 4854545424 043f444020 3c4040207c 1c2040201c 3c4030403c", // pqrstuvw
  "4428102844 1ca0a0a07c 4464544c44 0008364100 00007f0000 0041360800 0804081008", //           xyz{|}~
].join(" ").split(" ").map((columns) => columns.match(/../g)!.map((digits) => Number.parseInt(digits, 16)));

/** Two ends of a stroke; a dot if they are equal. */
export type Stroke = readonly [from: readonly [x: number, y: number], to: readonly [x: number, y: number]];

/**
 * The strokes of a text on one line. Accents are left out; what is not in ASCII is a question mark.
 *
 * @returns strokes between centres of dots, with the first letter's upper left dot at [0, 0]
 */
export function textStrokes(text: string): Stroke[] {
  return plain(text).flatMap((letter, place) => {
    const columns = GLYPHS[letter.charCodeAt(0) - FIRST] ?? GLYPHS[UNKNOWN.charCodeAt(0) - FIRST];
    return strokesOf(columns).map(([from, to]): Stroke => {
      const left = place * LETTER.advance;
      return [[left + from[0], from[1]], [left + to[0], to[1]]];
    });
  });
}

/** Joins each dot with its neighbours: diagonally only where no other way leads from one to the other. */
function strokesOf(columns: readonly number[]): Stroke[] {
  const isDark = (x: number, y: number) => (columns[x] >> y & 1) === 1;
  const strokes: Stroke[] = [];
  for (let x = 0; x < columns.length; x++) {
    for (let y = 0; y < ROWS; y++) {
      if (!isDark(x, y)) continue;
      strokes.push([[x, y], [x, y]]);
      if (isDark(x + 1, y)) strokes.push([[x, y], [x + 1, y]]);
      if (isDark(x, y + 1)) strokes.push([[x, y], [x, y + 1]]);
      for (const down of [-1, 1]) {
        const isCorner = isDark(x + 1, y) || isDark(x, y + down);
        if (!isCorner && isDark(x + 1, y + down)) strokes.push([[x, y], [x + 1, y + down]]);
      }
    }
  }
  return strokes;
}

/** The width of a text in dots, without the gap after the last letter. */
export function textWidth(text: string): number {
  return Math.max(0, plain(text).length * LETTER.advance - 1);
}

/** The letters of a text, without accents. */
function plain(text: string): string[] {
  return [...text.normalize("NFKD").replace(/\p{M}/gu, "").replaceAll("\u2212", "-").replaceAll("×", "x")];
}
