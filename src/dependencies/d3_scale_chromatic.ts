/**
 * ColorBrewer's colors, from d3-scale-chromatic.
 * @module
 */
import * as d3 from "npm:d3-scale-chromatic@3.1.1";

/** Maps 0 to 1 to colors from red over white to blue, as `rgb(r, g, b)`. */
export const interpolateRdBu = d3.interpolateRdBu as (share: number) => string;
